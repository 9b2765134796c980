"""Use a frame of a video, and share it by a link."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_POST, require_safe

from config.lib import rate_limits
from config.lib.web.framing import let_others_frame
from config.lib.web.responses import UserRequest, file_or_404, see_other
from videos.engines.base import Variant
from videos.library import share_links
from videos.library.public_links import LinkNotFound, read_days
from videos.media import delivery, frames, http_ranges, uploads
from videos.media.engine_files import EngineFileError
from videos.models import ShareLink, Video
from videos.web.pages import get_own_video
from videos.web.presenters.video_card import cards_of

# What happens next in an extended video; it stands in the address of the studio.
MAX_NEXT_PROMPT = 500


@login_required
@require_POST
def frame(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Save one frame of a video and open the studio with it as the first image."""
    video = get_own_video(request, video_id)
    rate_limits.use("upload", request.user)
    try:
        at = float(request.POST.get("at", "0")[:12] or 0)
        kept = frames.store_frame(video, min(max(at, 0), video.seconds))
    except ValueError:
        messages.error(request, _("Enter the time in seconds."))
        return see_other("video", video_id)
    except uploads.QuotaFull as error:
        messages.error(request, str(error))
        return see_other("video", video_id)
    except frames.NoFrame:
        messages.error(request, _("No frame could be read from this video."))
        return see_other("video", video_id)
    query: dict[str, Any] = {"from": video.pk, "first_image": kept.pk}
    if prompt := request.POST.get("prompt", "").strip()[:MAX_NEXT_PROMPT]:
        query["prompt"] = prompt
    return see_other(f"{reverse('studio')}?{urlencode(query)}")


@login_required
@require_POST
def share(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Create a link to a video, or revoke it."""
    video = get_own_video(request, video_id)
    if "withdraw" in request.POST:
        share_links.revoke_link(video)
        messages.success(request, _("The link was revoked and no longer works."))
        return see_other("video", video_id)
    days = read_days(request.POST.get("days", ""))
    try:
        share_links.create_link(video, days=days, with_prompt="with_prompt" in request.POST)
    except share_links.NotFinished:
        messages.error(request, _("Only a finished video can be shared."))
    else:
        messages.success(request, _("The link is ready. Open “Share by link” to copy it."))
    return see_other("video", video_id)


@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """Show a shared video to anyone who has its link; search engines must not index it."""
    found = _shared(token)
    context = {
        "share": found,
        "token": token,
        "title": share_links.title_of(found),
        "card": cards_of([found.video])[0],
    }
    answer = render(request, "videos/shared.html", context)
    answer["X-Robots-Tag"] = "noindex"
    answer["Cache-Control"] = "private, no-cache"
    return answer


@require_safe
@xframe_options_exempt
def shared_player(request: HttpRequest, token: str) -> HttpResponse:
    """Show the player of a shared video, for a frame on another site."""
    found = _shared(token)
    let_others_frame(request)
    context = {
        "title": share_links.title_of(found),
        "page": reverse("shared", args=[token]),
        "url": reverse("shared-video", args=[token]),
        "poster": reverse("shared-poster", args=[token]),
    }
    answer = render(request, "embed.html", context)
    answer["X-Robots-Tag"] = "noindex"
    answer["Cache-Control"] = "private, no-cache"
    return answer


@require_safe
def shared_video(request: HttpRequest, token: str) -> HttpResponseBase:
    video = _shared(token).video
    name = f"{video.pk}.mp4"
    try:
        with file_or_404():
            return delivery.video_response(
                request, video, filename=name, etag=_etag(video, Variant.VIDEO)
            )
    except EngineFileError as error:
        return delivery.error_page(error)


@require_safe
def shared_poster(request: HttpRequest, token: str) -> HttpResponseBase:
    video = _shared(token).video
    file = http_ranges.StoredFile(
        str(video.thumbnail.name), "image/webp", f"{video.pk}.webp", _etag(video, Variant.THUMBNAIL)
    )
    with file_or_404():
        return http_ranges.file_response(request, file, attachment=False)


def _shared(token: str) -> ShareLink:
    try:
        return share_links.link_for_token(token)
    except LinkNotFound as error:
        raise Http404 from error


def _etag(video: Video, variant: Variant) -> str:
    return f"{video.file_sha256[:32]}-{variant.value}"
