"""What a wall shows of a published clip, or of a sample while nothing is published."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.urls import reverse

from showcase import gallery
from showcase.models import Clip
from showcase.samples import SAMPLES, SECONDS, Sample
from videos import catalog

# From so many on, the first wide film is shown larger than the others.
ENOUGH = 6


@dataclass(frozen=True)
class Film:
    """`clip` is what visitors like and staff count; a sample has none."""

    title: str
    prompt: str
    page: str
    url: str
    poster: str
    width: int
    height: int
    seconds: int
    model: str = ""
    description: str = ""
    clip: Clip | None = None
    big: bool = False

    @property
    def tall(self) -> bool:
        return self.height > self.width


def of_clip(clip: Clip) -> Film:
    video = clip.video
    return Film(
        title=clip.title,
        prompt=video.prompt,
        page=reverse("clip", args=[clip.pk]),
        url=gallery.video_url(clip),
        poster=gallery.poster_url(clip),
        width=video.width,
        height=video.height,
        seconds=video.seconds,
        model=catalog.MODELS[video.model].label if video.model in catalog.MODELS else "",
        description=clip.description,
        clip=clip,
    )


def of_sample(sample: Sample) -> Film:
    return Film(
        title=str(sample.title),
        prompt=str(sample.prompt),
        page=reverse("sample", args=[sample.name]),
        url=sample.video_url,
        poster=sample.poster_url,
        width=sample.width,
        height=sample.height,
        seconds=SECONDS,
    )


def samples() -> list[Film]:
    return [of_sample(sample) for sample in SAMPLES]


def wall(films: Iterable[Film]) -> list[Film]:
    """The films in their order, the first wide one of many larger."""
    hung = list(films)
    first = next((n for n, film in enumerate(hung) if not film.tall), None)
    if first is not None and len(hung) >= ENOUGH:
        hung[first] = replace(hung[first], big=True)
    return hung
