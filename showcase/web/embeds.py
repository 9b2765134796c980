"""oEmbed: how a public clip or a shared video is played inside another site (oembed.com)."""

import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from config.lib.web.framing import let_others_frame
from showcase import gallery, makers
from showcase.models import Clip
from showcase.web.clips import get_public_clip, public_clips
from videos.library import share_links
from videos.library.public_links import LinkNotFound
from videos.models import Video

CLIP = re.compile(r"/showcase/(\d{1,18})/?")
SHARED = re.compile(r"/s/([\w.-]{1,200})/?")


@dataclass(frozen=True)
class Embed:
    """What is told of a video: paths of its player and poster, and no prompt that is not public."""

    video: Video
    title: str
    player: str
    poster: str
    author: dict[str, str]


@require_safe
def oembed(request: HttpRequest) -> HttpResponse:
    """Describe the player of the page whose address is `url`; 404 when nothing is public there."""
    if request.GET.get("format", "json") != "json":
        return JsonResponse({"detail": _("Only format=json is offered.")}, status=501)
    found = _find(request.GET.get("url", ""))
    if found is None:
        return JsonResponse({"detail": _("No public video has this address.")}, status=404)
    limits = [_limit(request, name) for name in ("maxwidth", "maxheight")]
    response = JsonResponse(_describe(found, *limits))
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
@xframe_options_exempt
def clip_player(request: HttpRequest, clip_id: int) -> HttpResponse:
    """Show the player of a public clip, for a frame on another site."""
    clip = get_public_clip(clip_id)
    let_others_frame(request)
    context = {
        "title": clip.shown_title,
        "page": reverse("clip", args=[clip.pk]),
        "url": gallery.video_path(clip),
        "poster": gallery.poster_path(clip),
    }
    return render(request, "embed.html", context)


def _find(url: str) -> Embed | None:
    path = url.removeprefix(settings.BASE_URL)
    if path == url:
        return None
    path = path.partition("?")[0]
    if found := CLIP.fullmatch(path):
        clip = public_clips().filter(pk=int(found[1])).first()
        return _of_clip(clip) if clip else None
    if found := SHARED.fullmatch(path):
        return _of_link(found[1])
    return None


def _of_clip(clip: Clip) -> Embed:
    maker = makers.maker_of(clip)
    author = {}
    if maker:
        page = settings.BASE_URL + reverse("maker", args=[maker.slug])
        author = {"author_name": maker.user.name, "author_url": page}
    player = settings.BASE_URL + reverse("clip-embed", args=[clip.pk])
    return Embed(clip.video, clip.shown_title, player, gallery.poster_url(clip), author)


def _of_link(token: str) -> Embed | None:
    try:
        link = share_links.link_for_token(token)
    except LinkNotFound:
        return None
    title = share_links.title_of(link)
    paths = (reverse(name, args=[token]) for name in ("shared-embed", "shared-poster"))
    player, poster = (settings.BASE_URL + path for path in paths)
    return Embed(link.video, title, player, poster, {})


def _limit(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 6 else 0


def _describe(embed: Embed, most_width: int, most_height: int) -> dict[str, Any]:
    width, height = _fitted(embed.video, most_width, most_height)
    frame = format_html(
        '<iframe src="{}" width="{}" height="{}" title="{}" allow="fullscreen" loading="lazy"'
        ' style="border:0"></iframe>',
        embed.player, width, height, embed.title,
    )  # fmt: skip
    return {
        "version": "1.0",
        "type": "video",
        "title": embed.title,
        **embed.author,
        "provider_name": settings.SITE_NAME,
        "provider_url": f"{settings.BASE_URL}/",
        "thumbnail_url": embed.poster,
        "thumbnail_width": embed.video.width,
        "thumbnail_height": embed.video.height,
        "width": width,
        "height": height,
        "html": frame,
    }


def _fitted(video: Video, most_width: int, most_height: int) -> tuple[int, int]:
    """Return the size of the video, made smaller where the limits (0 for none) ask for it."""
    shares = [1.0]
    shares += [most_width / video.width] if most_width else []
    shares += [most_height / video.height] if most_height else []
    share = min(shares)
    return max(round(video.width * share), 1), max(round(video.height * share), 1)
