"""The public pages: the start page and the showcase; and an owner's consent."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import packages
from showcase import gallery, topics
from showcase.models import Clip, ClipQuerySet, Like
from videos import catalog, media
from videos.models import Price, Video
from videos.providers import Variant

ON_START_PAGE = 9
PER_PAGE = 24
ORDERS = {"new": ("-created_at",), "liked": ("-like_count", "-pk")}


@require_http_methods(["GET", "HEAD", "POST"])
def home(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("studio")
    if request.method == "POST":
        prompt = request.POST.get("prompt", "").strip()[: catalog.PROMPT_MAX]
        request.session["draft"] = {"prompt": prompt}
        return _see_other("account_signup")
    price = catalog.price(Price.Kind.TEXT, catalog.DEFAULT_MODEL.name, catalog.DEFAULT_SECONDS)
    context = {
        "price": price,
        "enough": settings.WELCOME_CREDITS // price,
        "clips": [_film(clip) for clip in _public()[:ON_START_PAGE]],
        "packages": packages.on_sale().values(),
        "featured": packages.FEATURED,
        "topics": topics.TOPICS[1:6],
    }
    return render(request, "home.html", context)


@require_safe
def showcase(request: HttpRequest) -> HttpResponse:
    """Everything that is public, a page at a time."""
    clips = _public()
    shape, order = request.GET.get("shape", ""), request.GET.get("order", "")
    tall = [size for size in _sizes() if int(size.split("x")[1]) > int(size.split("x")[0])]
    if shape == "portrait":
        clips = clips.filter(video__size__in=tall)
    elif shape == "landscape":
        clips = clips.exclude(video__size__in=tall)
    page = Paginator(clips.order_by(*ORDERS.get(order, ("display_order", "-pk"))), PER_PAGE)
    shown = page.get_page(request.GET.get("page"))
    context = {
        "clips": [_film(clip) for clip in shown],
        "page": shown,
        "shape": shape,
        "order": order,
    }
    return render(request, "showcase/showcase.html", context)


@require_safe
def clip(request: HttpRequest, clip_id: int) -> HttpResponse:
    found = get_object_or_404(_public(), pk=clip_id)
    found.view_count += gallery.look(request, found)
    liked = (
        request.user.is_authenticated
        and Like.objects.filter(clip=found, user_id=request.user.pk).exists()
    )
    others = _public().exclude(pk=found.pk).order_by(F("like_count").desc(), "display_order")
    context = {"film": _film(found), "liked": liked, "others": [_film(c) for c in others[:4]]}
    return render(request, "showcase/clip.html", context)


@require_safe
def video_file(request: HttpRequest, clip_id: int) -> HttpResponseBase:
    return _file(request, clip_id, Variant.VIDEO)


@require_safe
def poster(request: HttpRequest, clip_id: int) -> HttpResponseBase:
    return _file(request, clip_id, Variant.THUMBNAIL)


@require_safe
def preview(request: HttpRequest, clip_id: int) -> HttpResponse:
    """The page of a clip that may not be public yet, for staff: as everybody will see it."""
    found = _previewed(request, clip_id)
    film = {
        **_film(found),
        "url": resolve_url("clip-preview-video", found.pk),
        "poster": resolve_url("clip-preview-poster", found.pk),
    }
    return render(request, "showcase/clip.html", {"film": film, "preview": True, "others": []})


@require_safe
def preview_video(request: HttpRequest, clip_id: int) -> HttpResponseBase:
    return _sent(request, _previewed(request, clip_id), Variant.VIDEO, public=False)


@require_safe
def preview_poster(request: HttpRequest, clip_id: int) -> HttpResponseBase:
    return _sent(request, _previewed(request, clip_id), Variant.THUMBNAIL, public=False)


def _previewed(request: HttpRequest, clip_id: int) -> Clip:
    if not request.user.has_perm("showcase.view_clip"):
        raise Http404
    return get_object_or_404(Clip.objects.select_related("video"), pk=clip_id)


@login_required
@require_POST
def like(request: HttpRequest, clip_id: int) -> HttpResponse:
    """Like a clip, or take it back when it was liked."""
    found = get_object_or_404(_public(), pk=clip_id)
    change = gallery.unlike if request.POST.get("liked") else gallery.like
    assert not request.user.is_anonymous
    change(found, request.user)
    return _see_other("clip", found.pk)


@login_required
@require_POST
def offer(request: HttpRequest, video_id: UUID) -> HttpResponse:
    """Agree that staff may show a video, or take that back."""
    assert not request.user.is_anonymous
    video = get_object_or_404(Video.objects.of(request.user), pk=video_id)
    if request.POST.get("withdraw"):
        gallery.withdraw(video)
        messages.success(request, _("Your video is private again."))
    else:
        try:
            gallery.offer(video)
        except gallery.NotReady as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Thank you. Our staff will have a look at it."))
    return _see_other("video", video_id)


def _public() -> ClipQuerySet:
    """What anybody may see; nothing while the showcase is closed."""
    try:
        return gallery.public()
    except gallery.NotOpen:
        return Clip.objects.none()


def _sizes() -> set[str]:
    return {size for model in catalog.MODELS.values() for size in model.sizes}


def _film(clip: Clip) -> dict[str, Any]:
    video = clip.video
    return {
        "clip": clip,
        "video": video,
        "tall": video.height > video.width,
        "model": catalog.MODELS[video.model].label if video.model in catalog.MODELS else "",
        "url": gallery.video_url(clip),
        "poster": gallery.poster_url(clip),
    }


def _file(request: HttpRequest, clip_id: int, variant: Variant) -> HttpResponseBase:
    return _sent(request, get_object_or_404(_public(), pk=clip_id), variant, public=True)


def _sent(request: HttpRequest, clip: Clip, variant: Variant, *, public: bool) -> HttpResponseBase:
    try:
        file = gallery.file_of(clip, variant)
        return media.deliver(request, file, attachment=False, public=public)
    except FileNotFoundError as error:
        raise Http404 from error


def _see_other(to: str, *args: object) -> HttpResponseRedirect:
    response = HttpResponseRedirect(resolve_url(to, *args))
    response.status_code = 303
    return response
