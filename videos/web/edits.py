"""The page that edits a video, and the list of edits with what their buttons do."""

from contextlib import ExitStack
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.ledger.credits import NotEnoughCredits
from config.lib import idempotency, rate_limits
from config.lib.idempotency import RequestKey
from config.lib.web.responses import UserRequest, see_other
from videos.editing import jobs
from videos.editing.jobs import EditOrder, TooManyEdits
from videos.editing.recipes import NotEditable
from videos.jobs.orders import PriceChanged
from videos.jobs.state_machine import NotPossible
from videos.media import uploads
from videos.media.concurrency import TooManyAtOnce
from videos.media.upload_checks import BadFile, TooLarge
from videos.models import MediaJob, Upload, Video
from videos.web import pages
from videos.web.edit_forms import EditForm
from videos.web.pages import get_own_video
from videos.web.presenters.edit_card import edit_cards
from videos.web.presenters.video_card import cards_of
from videos.web.presenters.wallet import wallet_of
from videos.web.repeat_orders import missing_credits

LISTED = 50
REFUSED = (
    NotEditable,
    NotPossible,
    PriceChanged,
    TooManyEdits,
    BadFile,
    TooLarge,
    uploads.QuotaFull,
    TooManyAtOnce,
)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Show the form of an edit, or order the edit."""
    video = get_own_video(request, video_id)
    if video.status != Video.Status.SUCCEEDED:
        return see_other("video", video_id)
    if request.method != "POST":
        return _render(request, EditForm(request.user, video))
    form = EditForm(request.user, video, request.POST, request.FILES)
    if not form.is_valid():
        return _render(request, form, 422)
    key = pages.request_key(request)
    try:
        rate_limits.use("generate", request.user)
        job = idempotency.run(key, lambda: _order(request, form, key)).result
    except NotEnoughCredits as error:
        form.add_error(None, missing_credits(error))
        return _render(request, form, 402)
    except REFUSED as error:
        form.add_error(None, str(error))
        return _render(request, form, 422)
    return see_other(f"{reverse('edits')}#edit-{job.pk}")


def _order(request: UserRequest, form: EditForm, key: RequestKey | None) -> MediaJob:
    """Store the sound file, if one was sent, and order the edit; with a refusal it is discarded."""
    with ExitStack() as undo:
        sound: Upload | None = form.kept_sound
        if form.new_sound:
            sound = uploads.store_upload(request.user, form.new_sound, Upload.Kind.AUDIO)
            undo.callback(uploads.discard, sound)
        most = pages.shown_price(request).max_credits
        order = EditOrder(form.videos, form.recipe(), sound, max_credits=most)
        job = jobs.submit(request.user, order, key)
        undo.pop_all()
    return job


def _render(request: UserRequest, form: EditForm, status: int = 200) -> HttpResponse:
    wallet, price = wallet_of(request.user), jobs.price()
    card = cards_of([form.video])[0]
    context = {
        "at": "library",
        "card": card,
        "form": form,
        "price": price,
        "is_short": settings.BILLING and price > wallet["available"],
        "wallet": wallet,
        "most_seconds": settings.EDIT_MAX_SECONDS,
    }
    return render(request, "videos/edit.html", context, status=status)


@login_required
@require_safe
def edits(request: UserRequest) -> HttpResponse:
    """Show the user's edits, newest first."""
    rows = MediaJob.objects.of(request.user).filter(kind=MediaJob.Kind.EDIT).newest()
    found = list(rows.prefetch_related("sources")[:LISTED])
    context = {
        "at": "library",
        "edits": edit_cards(found),
        "is_any_active": any(job.is_active for job in found),
        "price": jobs.price(),
    }
    return render(request, "videos/edits.html", context)


def _own(request: UserRequest, edit_id: UUID) -> MediaJob:
    rows = MediaJob.objects.of(request.user).filter(kind=MediaJob.Kind.EDIT)
    return get_object_or_404(rows, pk=edit_id)


@login_required
@require_POST
def cancel(request: UserRequest, edit_id: UUID) -> HttpResponse:
    """Cancel an edit that waits or runs."""
    try:
        jobs.cancel(_own(request, edit_id))
    except NotPossible as error:
        messages.error(request, str(error))
    return see_other("edits")


@login_required
@require_POST
def retry(request: UserRequest, edit_id: UUID) -> HttpResponse:
    """Order an edit again that failed or was cancelled."""
    job, key = _own(request, edit_id), pages.request_key(request)
    most = pages.shown_price(request).max_credits
    try:
        rate_limits.use("generate", request.user)
        idempotency.run(key, lambda: jobs.retry(request.user, job, key, max_credits=most))
    except NotEnoughCredits as error:
        messages.error(request, missing_credits(error))
    except REFUSED as error:
        messages.error(request, str(error))
    return see_other("edits")
