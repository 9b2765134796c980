"""The forms by which visitors write to us: abuse reports and feedback."""

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.lib import rate_limits
from showcase import visitor_messages
from showcase.forms import AbuseReportForm, FeedbackForm
from showcase.models import AbuseReport, Feedback

# Pages on which a video can be reported in place.
PUBLIC_PAGE = re.compile(r"/showcase/\d{1,18}/|/s/[\w.-]{1,200}/")


@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest) -> HttpResponse:
    """Report that a video should not be public."""
    form = AbuseReportForm(request.POST or None, initial=_initial(request, "subject"))
    return _answer(request, form, AbuseReport, "report")


@require_http_methods(["GET", "HEAD", "POST"])
def feedback(request: HttpRequest) -> HttpResponse:
    """Send feedback."""
    initial = _initial(request, "text")
    if failed := request.GET.get("about", "")[:64]:  # the link of an error page
        initial["text"] = _("About request %(id)s:") % {"id": failed} + "\n"
    form = FeedbackForm(request.POST or None, initial=initial)
    return _answer(request, form, Feedback, "feedback")


def _answer(
    request: HttpRequest, form: forms.Form, kind: type[AbuseReport] | type[Feedback], name: str
) -> HttpResponse:
    """Store the message of a valid form, or show the form."""
    status = 200
    if form.is_bound and not form.is_valid():
        status = 422
    elif form.is_bound:
        try:
            visitor_messages.accept(request, kind, **form.cleaned_data)
        except rate_limits.TooManyAttempts as error:
            status = 429
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Thank you. Our staff will read your message."))
            return redirect(_page_of(request) or name)
    return render(request, f"pages/{name}.html", {"form": form}, status=status)


def _page_of(request: HttpRequest) -> str:
    """Return the path of the public page on which the form stands; "" for its own page."""
    page = request.POST.get("page", "")
    return page if PUBLIC_PAGE.fullmatch(page) else ""


def _initial(request: HttpRequest, field: str) -> dict[str, Any]:
    """Return what the link fills in, and the signed-in user's e-mail address."""
    return {
        field: request.GET.get(field, "")[:500],
        "email": getattr(request.user, "email", ""),
    }
