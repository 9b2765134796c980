"""Clips and samples as the pages of the showcase show them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from django.urls import reverse

from showcase import gallery, makers
from showcase.models import Clip
from showcase.samples import SAMPLES, SECONDS, Sample
from videos.catalog.reading import catalog

# With at least this many cards the first landscape one is shown larger.
MIN_FOR_LARGE = 6
# The portraits (P) and landscapes (L) of a wall, in the order in which they leave no gap in rows of
# four and of two; the first one is large.
PATTERN = "LPPPLPLPLLLL"
WALL, PORTRAITS = len(PATTERN), PATTERN.count("P")


@dataclass(frozen=True)
class ClipCard:
    """A clip or a sample as a card and as a page. A sample has no `clip` to like or count."""

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
    style: str = ""
    maker: str = ""
    maker_page: str = ""
    clip: Clip | None = None
    is_large: bool = False

    @property
    def is_portrait(self) -> bool:
        return self.height > self.width

    @property
    def public_url(self) -> str:
        """The address of the MP4 for other sites."""
        return gallery.absolute(self.url)

    @property
    def public_poster(self) -> str:
        """The address of the poster for other sites."""
        return gallery.absolute(self.poster)


def of_clip(clip: Clip) -> ClipCard:
    """Return the card of a clip."""
    video = clip.video
    maker = makers.maker_of(clip)
    return ClipCard(
        title=clip.shown_title,
        prompt=video.prompt,
        page=reverse("clip", args=[clip.pk]),
        url=gallery.video_path(clip),
        poster=gallery.poster_path(clip),
        width=video.width,
        height=video.height,
        seconds=video.seconds,
        model=catalog().label(video.model),
        description=clip.description,
        style=clip.get_style_display(),
        maker=maker.user.name if maker else "",
        maker_page=reverse("maker", args=[maker.slug]) if maker else "",
        clip=clip,
    )


def of_sample(sample: Sample) -> ClipCard:
    """Return the card of a sample."""
    return ClipCard(
        title=str(sample.title),
        prompt=str(sample.prompt),
        page=reverse("sample", args=[sample.name]),
        url=sample.video_path,
        poster=sample.poster_path,
        width=sample.width,
        height=sample.height,
        seconds=SECONDS,
    )


def samples() -> list[ClipCard]:
    """Return the cards of all samples."""
    return [of_sample(sample) for sample in SAMPLES]


def wall(clips: Iterable[Clip]) -> list[ClipCard]:
    """Return the cards of at most a wall of clips, filled up with samples of both shapes."""
    cards = [of_clip(clip) for clip in clips][:WALL]
    missing = WALL - len(cards)
    tall = sum(card.is_portrait for card in cards)
    portraits = min(max(PORTRAITS - tall, 0), missing)
    wanted = {True: portraits, False: missing - portraits}
    for card in samples():
        if wanted[card.is_portrait]:
            wanted[card.is_portrait] -= 1
            cards.append(card)
    return arrange(_woven(cards))


def _woven(cards: list[ClipCard]) -> Iterator[ClipCard]:
    """Return the cards in the pattern of a wall; each shape keeps its order."""
    by_shape = {shape: [c for c in cards if c.is_portrait == (shape == "P")] for shape in "PL"}
    for shape in PATTERN:
        yield (by_shape[shape] or by_shape["L" if shape == "P" else "P"]).pop(0)


def arrange(cards: Iterable[ClipCard]) -> list[ClipCard]:
    """Return the cards in their order; among many, the first landscape one is large."""
    arranged = list(cards)
    first = next((n for n, card in enumerate(arranged) if not card.is_portrait), None)
    if first is not None and len(arranged) >= MIN_FOR_LARGE:
        arranged[first] = replace(arranged[first], is_large=True)
    return arranged
