"""The public page of a maker, and the page on which users open and close their own."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.people import profile
from config.lib.texts import without_controls
from config.lib.web.paging import page_of
from config.lib.web.responses import UserRequest, see_other
from showcase import makers, presenters
from showcase.models import Maker
from showcase.web.clips import public_clips

PER_PAGE = 24


class MakerForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name that is shown"), max_length=80)
    about = forms.CharField(
        label=gettext_lazy("About you"),
        max_length=300,
        required=False,
        help_text=gettext_lazy("Optional. Everyone can read it."),
    )


@require_safe
def maker(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a maker's public clips."""
    found = get_object_or_404(makers.public(), slug=slug)
    page = page_of(request, public_clips().filter(video__user=found.user), PER_PAGE)
    cards = presenters.arrange(map(presenters.of_clip, page))
    return render(request, "showcase/maker.html", {"maker": found, "cards": cards, "page": page})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def own_page(request: UserRequest) -> HttpResponse:
    """Show, open or close the user's own page."""
    own = Maker.objects.filter(user=request.user).first()
    shown = {"name": request.user.display_name, "about": own.about if own else ""}
    form = MakerForm(request.POST or None, initial=shown)
    if "hide" in request.POST:
        makers.hide(request.user)
        messages.success(request, _("Your page is closed, and no clip names you any more."))
        return see_other("maker-own")
    if request.method == "POST" and form.is_valid():
        name, about = (without_controls(form.cleaned_data[field]) for field in ("name", "about"))
        profile.update(request.user, display_name=name)
        makers.publish(request.user, about)
        messages.success(request, _("Your page is public."))
        return see_other("maker-own")
    context = {"form": form, "own": own, "clips": public_clips().filter(video__user=request.user)}
    status = 422 if form.errors else 200
    return render(request, "showcase/own_page.html", context, status=status)
