"""Previews of clips for staff, before they are public."""

from dataclasses import replace

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render, resolve_url
from django.views.decorators.http import require_safe

from config.lib.admin import staff
from showcase import presenters
from showcase.models import Clip
from showcase.web.clips import deliver
from videos.engines.base import Variant


@require_safe
def preview(request: HttpRequest, clip_id: int) -> HttpResponse:
    """Show staff the page of a clip as visitors will see it."""
    found = _get_previewable(request, clip_id)
    card = replace(
        presenters.of_clip(found),
        url=resolve_url("clip-preview-video", found.pk),
        poster=resolve_url("clip-preview-poster", found.pk),
    )
    return render(request, "showcase/clip.html", {"card": card, "preview": True, "others": []})


@require_safe
def video(request: HttpRequest, clip_id: int) -> HttpResponseBase:
    return deliver(request, _get_previewable(request, clip_id), Variant.VIDEO, public=False)


@require_safe
def poster(request: HttpRequest, clip_id: int) -> HttpResponseBase:
    return deliver(request, _get_previewable(request, clip_id), Variant.THUMBNAIL, public=False)


def _get_previewable(request: HttpRequest, clip_id: int) -> Clip:
    if not staff.may(request.user, "showcase.view_clip"):
        raise Http404
    return get_object_or_404(Clip.objects.select_related("video"), pk=clip_id)
