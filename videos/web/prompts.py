"""Pages that help with a prompt: those saved or used lately, and what a chat model would write."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from config.lib import rate_limits
from config.lib.rate_limits import TooManyAttempts
from config.lib.web.forms import WHOLE_NUMBER
from config.lib.web.responses import UserRequest, see_other
from videos.prompts import improvement, saved
from videos.web.forms import PromptForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def prompts(request: UserRequest) -> HttpResponse:
    """Show the user's prompts; save, delete or use the one that a form names."""
    if request.method == "POST":
        return _act(request)
    return _render_prompts(request)


def _act(request: UserRequest) -> HttpResponse:
    if "delete" in request.POST:
        number = request.POST["delete"]
        known = int(number) if WHOLE_NUMBER.fullmatch(number) and len(number) < 10 else 0
        if not saved.delete(request.user, known):
            raise Http404
        messages.success(request, _("The prompt was deleted."))
        return see_other("prompts")
    form = PromptForm(request.POST)
    if not form.is_valid():
        messages.error(request, str(form.errors["prompt"][0]))
        return _render_prompts(request, 422)
    if "use" in request.POST:
        return _use(request, form.cleaned_data["prompt"])
    try:
        saved.save(request.user, form.cleaned_data["prompt"])
    except saved.TooManySaved as error:
        messages.error(request, str(error))
        return _render_prompts(request, 422)
    messages.success(request, _("The prompt was saved."))
    return see_other("prompts")


def _use(request: UserRequest, prompt: str) -> HttpResponse:
    """Go on to the composer with this prompt; the other options of the draft stay."""
    request.session["draft"] = {**request.session.get("draft", {}), "prompt": prompt}
    return see_other("studio")


def _render_prompts(request: UserRequest, status: int = 200) -> HttpResponse:
    context = {
        "at": "studio",
        "saved": saved.saved_prompts(request.user),
        "recent": saved.recent_prompts(request.user),
    }
    return render(request, "videos/prompts.html", context, status=status)


@login_required
@require_http_methods(["POST"])
def improve(request: UserRequest) -> HttpResponse:
    """Show what a chat model would make of a prompt, and what differs; nothing is ordered."""
    if not improvement.is_on():
        raise Http404
    form = PromptForm(request.POST)
    if not form.is_valid():
        return _render_improved(request, 422, why=str(form.errors["prompt"][0]))
    prompt = form.cleaned_data["prompt"]
    try:
        rate_limits.use("prompt_help", request.user)
        improved = improvement.improve(request.user, prompt)
    except TooManyAttempts as error:
        return _render_improved(request, 429, why=str(error))
    except improvement.NotImproved as error:
        return _render_improved(request, 503, why=str(error))
    changes = improvement.changes(prompt, improved)
    return _render_improved(request, improved=improved, changes=changes)


def _render_improved(request: UserRequest, status: int = 200, **context: object) -> HttpResponse:
    found = {"at": "studio", **context}
    return render(request, "videos/improved_prompt.html", found, status=status)
