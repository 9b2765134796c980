"""The public pages: the start page and the showcase; and an owner's consent."""

from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing.payments import packages
from showcase import faq, gallery, presenters, samples
from showcase.models import Clip, ClipQuerySet, Like
from videos import catalog
from videos.engines.base import Variant
from videos.media import files
from videos.models import Price, Video

# One large, one tall and nine others fill the rows of the wall.
ON_START_PAGE = 11
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
        "films": presenters.wall(map(presenters.of_clip, _public()[:ON_START_PAGE])) or _samples(),
        "packages": packages.on_sale().values(),
        "featured": packages.FEATURED,
        "topics": faq.TOPICS[1:6],
    }
    return render(request, "home.html", context)


@require_safe
def showcase(request: HttpRequest) -> HttpResponse:
    """Everything that is public, a page at a time; samples while that is nothing."""
    everything = _public()
    lengths = sorted(set(everything.order_by().values_list("video__seconds", flat=True)))
    chosen = {name: request.GET.get(name, "") for name in ("shape", "model", "length", "order")}
    found = _matching(everything, chosen)
    by = ORDERS.get(chosen["order"], ("display_order", "-pk"))
    page = Paginator(found.order_by(*by), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "films": presenters.wall(map(presenters.of_clip, page)) if lengths else _samples(),
        "samples": not lengths,
        "page": page,
        "models": [(model.name, model.label) for model in catalog.MODELS.values()],
        "lengths": [(str(n), n) for n in lengths],
        **chosen,
    }
    return render(request, "showcase/showcase.html", context)


def _matching(clips: ClipQuerySet, chosen: dict[str, str]) -> ClipQuerySet:
    """The clips of a shape, a model and a length; a word we do not know chooses nothing."""
    tall = [size for size in _sizes() if int(size.split("x")[1]) > int(size.split("x")[0])]
    if chosen["shape"] == "portrait":
        clips = clips.filter(video__size__in=tall)
    elif chosen["shape"] == "landscape":
        clips = clips.exclude(video__size__in=tall)
    if chosen["model"] in catalog.MODELS:
        clips = clips.filter(video__model=chosen["model"])
    if chosen["length"].isascii() and chosen["length"].isdigit() and len(chosen["length"]) < 4:
        clips = clips.filter(video__seconds=int(chosen["length"]))
    return clips


@require_safe
def clip(request: HttpRequest, clip_id: int) -> HttpResponse:
    found = get_object_or_404(_public(), pk=clip_id)
    found.view_count += gallery.look(request, found)
    liked = (
        request.user.is_authenticated
        and Like.objects.filter(clip=found, user_id=request.user.pk).exists()
    )
    others = _public().exclude(pk=found.pk).order_by(F("like_count").desc(), "display_order")
    context = {
        "film": presenters.of_clip(found),
        "liked": liked,
        "others": [presenters.of_clip(other) for other in others[:4]],
    }
    return render(request, "showcase/clip.html", context)


@require_safe
def sample(request: HttpRequest, name: str) -> HttpResponse:
    """A clip that comes with the product, as long as it stands in for the showcase."""
    found = samples.named(name)
    if found is None or _public().exists():
        raise Http404
    others = [film for film in presenters.samples() if film.page != request.path and not film.tall]
    context = {"film": presenters.of_sample(found), "others": others[:4]}
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
    film = replace(
        presenters.of_clip(found),
        url=resolve_url("clip-preview-video", found.pk),
        poster=resolve_url("clip-preview-poster", found.pk),
    )
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


@require_POST
def like(request: HttpRequest, clip_id: int) -> HttpResponse:
    """Like a clip, or take it back when it was liked; signing in leads back to its page."""
    if not request.user.is_authenticated:
        return redirect_to_login(resolve_url("clip", clip_id))
    found = get_object_or_404(_public(), pk=clip_id)
    change = gallery.unlike if request.POST.get("liked") else gallery.like
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


def _samples() -> list[presenters.Film]:
    return presenters.wall(presenters.samples())


def _file(request: HttpRequest, clip_id: int, variant: Variant) -> HttpResponseBase:
    return _sent(request, get_object_or_404(_public(), pk=clip_id), variant, public=True)


def _sent(request: HttpRequest, clip: Clip, variant: Variant, *, public: bool) -> HttpResponseBase:
    try:
        file = gallery.file_of(clip, variant)
        return files.deliver(request, file, attachment=False, public=public)
    except FileNotFoundError as error:
        raise Http404 from error


def _see_other(to: str, *args: object) -> HttpResponseRedirect:
    response = HttpResponseRedirect(resolve_url(to, *args))
    response.status_code = 303
    return response
