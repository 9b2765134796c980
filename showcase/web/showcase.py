"""The showcase: the public clips, filtered and sorted."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from config.lib.web.paging import page_of
from showcase import presenters
from showcase.models import ClipQuerySet
from showcase.styles import Style
from showcase.web.clips import public_clips
from videos.catalog.reading import catalog

PER_PAGE = 24
CHOICES = ("shape", "model", "style", "length", "order")
ORDERS = {"new": ("-created_at",), "liked": ("-like_count", "-pk")}


@require_safe
def showcase(request: HttpRequest) -> HttpResponse:
    """Show one page of the public clips; samples fill up a wall that has few."""
    everything = public_clips()
    lengths = sorted(set(everything.order_by().values_list("video__seconds", flat=True)))
    models = set(everything.order_by().values_list("video__model", flat=True))
    styles = set(everything.order_by().values_list("style", flat=True))
    chosen = {name: request.GET.get(name, "") for name in CHOICES}
    found = _matching(everything, chosen)
    by = ORDERS.get(chosen["order"], ("display_order", "-pk"))
    page = page_of(request, found.order_by(*by), PER_PAGE)
    is_whole = not any(chosen.values()) and not page.has_other_pages()
    cards = presenters.wall(page) if is_whole and len(page) < presenters.WALL else None
    context = {
        "cards": cards or presenters.arrange(map(presenters.of_clip, page)),
        "samples": not lengths,
        "has_samples": bool(cards),
        "page": page,
        "models": catalog().named(models),
        "styles": [each for each in Style.choices if each[0] in styles],
        "lengths": [(str(n), n) for n in lengths],
        **chosen,
    }
    return render(request, "showcase/showcase.html", context)


def _matching(clips: ClipQuerySet, chosen: dict[str, str]) -> ClipQuerySet:
    """Return the clips of the chosen shape, model, style and length; unknown values are ignored."""
    tall = [size for size in _sizes() if int(size.split("x")[1]) > int(size.split("x")[0])]
    if chosen["shape"] == "portrait":
        clips = clips.filter(video__size__in=tall)
    elif chosen["shape"] == "landscape":
        clips = clips.exclude(video__size__in=tall)
    if chosen["model"] in catalog().models:
        clips = clips.filter(video__model=chosen["model"])
    if chosen["style"] in Style.values:
        clips = clips.filter(style=chosen["style"])
    if chosen["length"].isascii() and chosen["length"].isdigit() and len(chosen["length"]) < 4:
        clips = clips.filter(video__seconds=int(chosen["length"]))
    return clips


def _sizes() -> set[str]:
    return {size for model in catalog().models.values() for size in model.by_size}
