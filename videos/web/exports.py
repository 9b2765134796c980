"""The pages of exports: of one video, of a selection, and of all that are kept."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.ledger.credits import NotEnoughCredits
from config.lib import rate_limits
from config.lib.web.responses import UserRequest, redirect_back, see_other
from videos.editing.exports import downloads, formats, orders
from videos.editing.exports.orders import TooManyExports
from videos.editing.recipes import NotEditable
from videos.jobs.orders import PriceChanged
from videos.jobs.state_machine import NotPossible
from videos.media import zip_download
from videos.models import MediaExport, MediaJob, Video
from videos.web import pages
from videos.web.export_forms import ExportForm
from videos.web.pages import get_own_video
from videos.web.presenters.export_card import export_cards, groups_of
from videos.web.presenters.video_card import cards_of
from videos.web.presenters.wallet import wallet_of
from videos.web.repeat_orders import missing_credits
from videos.web.selection import chosen_videos

LISTED = 100
REFUSED = (NotEditable, PriceChanged, TooManyExports, NotEnoughCredits)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Show the formats and the exports of a video, or order an export."""
    video = get_own_video(request, video_id)
    if video.status != Video.Status.SUCCEEDED:
        return see_other("video", video_id)
    if request.method == "POST":
        return _answer(request, [video]) or see_other("video-export", video_id)
    return _render_one(request, video)


@login_required
@require_POST
def export_chosen(request: UserRequest) -> HttpResponse:
    """Show the formats for the chosen videos of the library, or order an export of each."""
    videos = list(chosen_videos(request).filter(status=Video.Status.SUCCEEDED))
    if not videos:
        messages.error(request, _("Choose at least one finished video."))
        return redirect_back(request, "library")
    if "format" in request.POST:
        return _answer(request, videos) or see_other("exports")
    return render(request, "videos/export_chosen.html", _of_form(request, videos))


def _answer(request: UserRequest, videos: Sequence[Video]) -> HttpResponse | None:
    """Order what the form asks for and say what became of it; None when the list shows it."""
    form = ExportForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a format."))
        return None
    rate_limits.use("generate", request.user)
    ordered, refusal = _order(request, videos, form)
    if ordered and len(videos) > 1:
        words = ngettext("%(n)d export was ordered.", "%(n)d exports were ordered.", ordered)
        messages.success(request, words % {"n": ordered})
    if refusal:
        messages.error(request, refusal)
    return None


def _order(request: UserRequest, videos: Sequence[Video], form: ExportForm) -> tuple[int, str]:
    """Order an export of each video until one is refused; return how many, and why."""
    most = pages.shown_price(request).max_credits
    for n, video in enumerate(videos):
        try:
            orders.submit(request.user, video, form.options(), max_credits=most)
        except NotEnoughCredits as error:
            return n, missing_credits(error)
        except REFUSED as error:
            return n, str(error)
    return len(videos), ""


def _render_one(request: UserRequest, video: Video) -> HttpResponse:
    rows = MediaExport.objects.of(request.user).filter(video=video)
    context = _of_form(request, [video]) | _of_list(rows)
    return render(request, "videos/export.html", context | {"card": cards_of([video])[0]})


def _of_form(request: UserRequest, videos: Sequence[Video]) -> dict[str, Any]:
    price = orders.price()
    wallet = wallet_of(request.user)
    return {
        "at": "library",
        "videos": videos,
        "groups": groups_of(formats.offered()),
        "price": price,
        "total": price * len(videos),
        "is_short": settings.BILLING and price > wallet["available"],
        "wallet": wallet,
        "days": settings.EXPORT_KEPT.days,
        "most_megabytes": settings.EXPORT_ANIMATION_BYTES // 1024**2,
    }


def _of_list(rows: Any) -> dict[str, Any]:
    found = list(rows.select_related("job", "video").newest()[:LISTED])
    return {
        "at": "library",
        "exports": export_cards(found),
        "is_any_active": any(row.job.is_active for row in found),
        "count_there": sum(bool(row.file) for row in found),
        "days": settings.EXPORT_KEPT.days,
    }


@login_required
@require_safe
def exports(request: UserRequest) -> HttpResponse:
    """Show all exports of the user that wait, run or are kept."""
    return render(request, "videos/exports.html", _of_list(MediaExport.objects.of(request.user)))


@login_required
@require_safe
def download_all(request: UserRequest) -> HttpResponseBase:
    """Send all finished exports as one ZIP."""
    rate_limits.use("other", request.user)
    done = MediaExport.objects.of(request.user).filter(job__status=MediaJob.Status.SUCCEEDED)
    items = downloads.list_files(done.select_related("video").newest()[:LISTED])
    if not items:
        messages.error(request, _("No export is finished yet."))
        return see_other("exports")
    name = f"exports-{timezone.localdate().isoformat()}.zip"
    return StreamingHttpResponse(
        zip_download.stream_zip(items),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@login_required
@require_POST
def cancel(request: UserRequest, export_id: UUID) -> HttpResponse:
    """Cancel an export that waits or runs."""
    row = _own(request, export_id)
    try:
        orders.cancel(row.job)
    except NotPossible as error:
        messages.error(request, str(error))
    return _back(request, row)


@login_required
@require_POST
def delete(request: UserRequest, export_id: UUID) -> HttpResponse:
    """Delete an export and its file."""
    row = _own(request, export_id)
    try:
        orders.delete(row)
    except NotPossible as error:
        messages.error(request, str(error))
    return _back(request, row)


def _own(request: UserRequest, export_id: UUID) -> MediaExport:
    rows = MediaExport.objects.of(request.user).select_related("job")
    return get_object_or_404(rows, pk=export_id)


def _back(request: UserRequest, row: MediaExport) -> HttpResponse:
    """To the page that the button was on."""
    if "list" in request.POST:
        return see_other("exports")
    return see_other("video-export", row.video_id)
