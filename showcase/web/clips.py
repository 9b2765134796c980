"""Public clips: their pages, files and likes."""

from uuid import uuid4

from django.contrib.auth.views import redirect_to_login
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render, resolve_url
from django.views.decorators.http import require_POST, require_safe

from config.lib.web.responses import file_or_404, see_other
from showcase import counters, gallery, presenters, samples
from showcase.models import Clip, ClipLike, ClipQuerySet
from videos.catalog import prices
from videos.engines.base import Variant
from videos.media import delivery, http_ranges
from videos.media.engine_files import EngineFileError
from videos.models import Video
from videos.web.forms import RemixForm
from videos.web.presenters.repeat_prices import RepeatPrices


@require_safe
def clip(request: HttpRequest, clip_id: int) -> HttpResponse:
    """Show a public clip and count the view."""
    found = get_public_clip(clip_id)
    found.view_count += counters.count_request(request, found)
    return render_clip(request, found, RemixForm())


def render_clip(
    request: HttpRequest, found: Clip, form: RemixForm, status: int = 200
) -> HttpResponse:
    """Render the page of a clip; `form` is what should change in a remix."""
    liked = (
        request.user.is_authenticated
        and ClipLike.objects.filter(clip=found, user_id=request.user.pk).exists()
    )
    others = public_clips().exclude(pk=found.pk).order_by(F("like_count").desc(), "display_order")
    context = {
        "card": presenters.of_clip(found),
        "liked": liked,
        "others": [presenters.of_clip(other) for other in others[:4]],
        "form": form,
        "token": uuid4().hex,
        "source": gallery.clip_remixed_by(found.video),
        "remix_price": RepeatPrices(prices.current()).of(found.video, Video.Operation.REMIX),
    }
    return render(request, "showcase/clip.html", context, status=status)


@require_safe
def sample(request: HttpRequest, name: str) -> HttpResponse:
    """Show a sample, until a wall of clips is public."""
    found = samples.find(name)
    if found is None or public_clips()[: presenters.WALL].count() == presenters.WALL:
        raise Http404
    others = [
        card for card in presenters.samples() if card.page != request.path and not card.is_portrait
    ]
    context = {"card": presenters.of_sample(found), "others": others[:4]}
    return render(request, "showcase/clip.html", context)


@require_POST
def like(request: HttpRequest, clip_id: int) -> HttpResponse:
    """Like a clip, or remove the like; a visitor signs in first and comes back to the clip."""
    if not request.user.is_authenticated:
        return redirect_to_login(resolve_url("clip", clip_id))
    found = get_public_clip(clip_id)
    change = counters.unlike if request.POST.get("liked") else counters.like
    change(found, request.user)
    return see_other("clip", found.pk)


@require_safe
def video_file(request: HttpRequest, clip_id: int) -> HttpResponseBase:
    return _file(request, clip_id, Variant.VIDEO)


@require_safe
def poster(request: HttpRequest, clip_id: int) -> HttpResponseBase:
    return _file(request, clip_id, Variant.THUMBNAIL)


def get_public_clip(clip_id: int) -> Clip:
    """Return a public clip. Raises Http404."""
    return get_object_or_404(public_clips(), pk=clip_id)


def public_clips() -> ClipQuerySet:
    """Return the public clips; none while the showcase is switched off."""
    try:
        return gallery.public()
    except gallery.NotOpen:
        return Clip.objects.none()


def _file(request: HttpRequest, clip_id: int, variant: Variant) -> HttpResponseBase:
    return deliver(request, get_public_clip(clip_id), variant, public=True)


def deliver(
    request: HttpRequest, clip: Clip, variant: Variant, *, public: bool
) -> HttpResponseBase:
    """Send a clip's file; `public` lets caches keep it. Raises Http404."""
    try:
        with file_or_404():
            if variant is Variant.VIDEO:
                return _video_response(request, clip, public)
            return _poster_response(request, clip, public)
    except EngineFileError as error:
        return delivery.error_page(error)


def _video_response(request: HttpRequest, clip: Clip, public: bool) -> HttpResponseBase:
    name, etag = f"clip-{clip.pk}.mp4", clip.video.file_sha256
    return delivery.video_response(request, clip.video, filename=name, etag=etag, public=public)


def _poster_response(request: HttpRequest, clip: Clip, public: bool) -> HttpResponseBase:
    name, etag = f"clip-{clip.pk}.webp", f"{clip.video.file_sha256}-poster"
    file = http_ranges.StoredFile(clip.video.thumbnail.name or "", "image/webp", name, etag)
    return http_ranges.file_response(request, file, attachment=False, public=public)
