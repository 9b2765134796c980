"""What leaves a collection: its link, the page behind the link, and all its files as a ZIP."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from config.lib import rate_limits
from config.lib.web.paging import page_of
from config.lib.web.responses import UserRequest, file_or_404, see_other
from videos.library import collection_links
from videos.library.public_links import LinkNotFound, read_days
from videos.media import delivery, http_ranges, zip_download
from videos.media.engine_files import EngineFileError
from videos.models import CollectionLink, Video
from videos.web.pages import get_own_collection
from videos.web.presenters.video_card import cards_of

PER_PAGE = 24


@login_required
@require_POST
def share(request: UserRequest, collection_id: int) -> HttpResponse:
    """Create a link to a collection, or revoke it."""
    collection = get_own_collection(request, collection_id)
    if "withdraw" in request.POST:
        collection_links.revoke_link(collection)
        messages.success(request, _("The link was revoked and no longer works."))
    else:
        days = read_days(request.POST.get("days", ""))
        with_prompts = "with_prompts" in request.POST
        collection_links.create_link(collection, days=days, with_prompts=with_prompts)
        messages.success(request, _("The link was created. “Share” shows it."))
    return see_other("collection", collection.pk)


@login_required
@require_POST
def download(request: UserRequest, collection_id: int) -> HttpResponseBase:
    """Send the finished videos of a collection as one ZIP."""
    collection = get_own_collection(request, collection_id)
    rate_limits.use("other", request.user)
    finished = Video.objects.of(request.user).filter(
        collections=collection, status=Video.Status.SUCCEEDED
    )
    items = zip_download.list_files(finished.newest())
    if not items:
        messages.error(request, _("This collection has no finished video."))
        return see_other("collection", collection.pk)
    name = slugify(collection.name) or "collection"
    return StreamingHttpResponse(
        zip_download.stream_zip(items),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}.zip"'},
    )


@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """Show a collection to anyone who has its link; search engines must not index it."""
    link = _link(token)
    page = page_of(request, collection_links.videos_of(link), PER_PAGE)
    context = {"link": link, "token": token, "page": page, "cards": cards_of(page)}
    answer = render(request, "videos/shared_collection.html", context)
    answer["X-Robots-Tag"] = "noindex"
    answer["Cache-Control"] = "private, no-cache"
    return answer


@require_safe
def video(request: HttpRequest, token: str, video_id: UUID) -> HttpResponseBase:
    shown = _video(token, video_id)
    etag = f"{shown.file_sha256[:32]}-video"
    try:
        with file_or_404():
            # A name made of the prompt would tell it to whoever may only watch.
            return delivery.video_response(request, shown, filename=f"{shown.pk}.mp4", etag=etag)
    except EngineFileError as error:
        return delivery.error_page(error)


@require_safe
def poster(request: HttpRequest, token: str, video_id: UUID) -> HttpResponseBase:
    shown = _video(token, video_id)
    etag = f"{shown.file_sha256[:32]}-thumbnail"
    name = str(shown.thumbnail.name)
    file = http_ranges.StoredFile(name, "image/webp", f"{shown.pk}.webp", etag)
    with file_or_404():
        return http_ranges.file_response(request, file, attachment=False)


def _link(token: str) -> CollectionLink:
    try:
        return collection_links.link_for_token(token)
    except LinkNotFound as error:
        raise Http404 from error


def _video(token: str, video_id: UUID) -> Video:
    return get_object_or_404(collection_links.videos_of(_link(token)), pk=video_id)
