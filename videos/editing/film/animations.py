"""Write an animated picture that is no larger than it may be: smaller and slower until it fits."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from videos.editing.film import pictures
from videos.editing.film.encodings import ANIMATIONS, STEPS
from videos.editing.film.graphs import Chain, picture_input
from videos.editing.film.plan import Film, Refused

# Films are in the colours of HD television; animations and stills are not.
TO_RGB = "scale=in_color_matrix=bt709:in_range=tv"
# How often the size of the file is looked at.
LOOK_FRAMES = 12
# A guess from a part of a film may be off by so much.
ROOM = 0.9


def write(
    target: str,
    name: str,
    compose: Callable[[int, Fraction], Film],
    most_bytes: int,
    tell: Callable[[float], None],
) -> Film:
    """Write an animation and return the film that it shows.

    `compose` makes a film of at most this side and rate. Raises Refused when not even the smallest
    one fits.
    """
    tried, step = 0, 0
    while step < len(STEPS):
        side, rate = STEPS[step]
        film = compose(side, Fraction(rate))
        share = 0.5**tried
        Path(target).unlink(missing_ok=True)  # the larger one, whose size is not this one's

        def tell_share(done: float, share: float = share) -> None:
            tell(1 - share + done * share)

        guess = _write(target, name, film, most_bytes, tell_share)
        if guess <= most_bytes:
            return film
        step = _next_step(step, film, most_bytes / guess)
        tried += 1
    raise Refused("animation_too_large", f"more than {most_bytes} bytes at the smallest size")


def _next_step(step: int, film: Film, factor: float) -> int:
    """The first smaller step that is likely to fit: bytes go with pixels and frames."""
    longest = max(film.canvas.size)
    cost = longest**2 * float(film.rate)
    for following in range(step + 1, len(STEPS)):
        side, rate = STEPS[following]
        if min(side, longest) ** 2 * float(Fraction(rate)) <= cost * factor * ROOM:
            return following
    # The smallest one is tried before it is said that none fits.
    return len(STEPS) - 1 if step < len(STEPS) - 1 else len(STEPS)


def _write(
    target: str, name: str, film: Film, most_bytes: int, tell: Callable[[float], None]
) -> float:
    """Write the film; return its bytes, or about how many they would be once there are too many."""
    encoding = ANIMATIONS[name]
    with av.open(
        target, "w", format=encoding.container, options=encoding.container_options
    ) as made:
        track: Any = made.add_stream(
            encoding.picture, rate=film.rate, options=encoding.picture_options
        )
        track.width, track.height = film.canvas.size
        track.pix_fmt = "pal8" if name == "gif" else "bgra"
        track.time_base = 1 / film.rate
        shown = _indexed(film, tell) if name == "gif" else in_rgb(film, "bgra")
        for n, picture in enumerate(shown):
            picture.pts, picture.time_base = n, 1 / film.rate
            made.mux(track.encode(picture))
            if n % LOOK_FRAMES == LOOK_FRAMES - 1:
                written = _size(target)
                if written > most_bytes:
                    return written * film.frames / (n + 1)
            tell((0.5 if name == "gif" else 0) + (n + 1) / film.frames / 2)
        made.mux(track.encode(None))
    return _size(target)


def _size(target: str) -> float:
    """The bytes so far; an animated WebP begins to be written when it ends."""
    path = Path(target)
    return float(path.stat().st_size) if path.exists() else 0.0


def in_rgb(film: Film, pixels: str) -> Iterator[Any]:
    """The pictures of a film in these pixels, which hold red, green and blue."""
    chain = Chain([_source(film)], f"{TO_RGB},format={pixels}", "buffersink")
    for n, picture in enumerate(pictures.pictures_of(film)):
        picture.pts, picture.time_base = n, 1 / film.rate
        yield from chain.send(picture)
    chain.push(None)
    yield from chain.pull()


def _indexed(film: Film, tell: Callable[[float], None]) -> Iterator[Any]:
    """The pictures in the 256 colours that suit the whole film best."""
    palette = _palette(film, tell)
    palette.pts, palette.time_base = 0, 1 / film.rate
    width, height = film.canvas.size
    shown = picture_input(width, height, "bgra", film.rate, Fraction(1))
    colours = picture_input(
        palette.width, palette.height, palette.format.name, film.rate, Fraction(1)
    )
    use = "paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle"
    chain = Chain([shown, colours], use, "buffersink")
    chain.push(palette, 1)
    chain.push(None, 1)
    for picture in in_rgb(film, "bgra"):
        chain.push(picture)
        yield from chain.pull()
    chain.push(None)
    yield from chain.pull()


def _palette(film: Film, tell: Callable[[float], None]) -> Any:
    width, height = film.canvas.size
    shown = picture_input(width, height, "bgra", film.rate, Fraction(1))
    chain = Chain([shown], "palettegen=reserve_transparent=1", "buffersink")
    for n, picture in enumerate(in_rgb(film, "bgra")):
        picture.pts, picture.time_base = n, 1 / film.rate
        chain.push(picture)
        tell((n + 1) / film.frames / 2)
    chain.push(None)
    return next(chain.pull())


def _source(film: Film) -> str:
    width, height = film.canvas.size
    return picture_input(width, height, pictures.PIXELS, film.rate, Fraction(1))
