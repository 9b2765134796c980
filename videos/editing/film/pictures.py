"""The pictures of a film, one after the other."""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

import av

from videos.editing.film import sources
from videos.editing.film.graphs import Chain, picture_input
from videos.editing.film.plan import Canvas, Clip, Film, Refused

# Times of frames are rounded to the units of their track.
TOLERANCE = 1e-4
TURNED = {90: "transpose=cclock", 180: "hflip,vflip", 270: "transpose=clock"}
PIXELS = "yuv420p"
HD_HEIGHT = 720


def pictures_of(film: Film) -> Iterator[Any]:
    """Yield exactly `film.frames` pictures; the same one may come several times."""
    for _ in range(film.loops):
        yield from _in_speed(film)


def _in_speed(film: Film) -> Iterator[Any]:
    joined = _joined(film)
    picture, have = next(joined), 0
    for n in range(film.round_frames):
        wanted = min(int(n * film.speed), film.joined_frames - 1)
        while have < wanted:
            picture, have = next(joined), have + 1
        yield picture


def _joined(film: Film) -> Iterator[Any]:
    """The pictures of all clips; where two meet, the last `fade` ones become the first ones."""
    held: deque[Any] = deque()
    for place, clip in enumerate(film.clips):
        shown = _pictures_of_clip(clip, film.canvas, film.rate)
        if place and film.fade:
            yield from _cross_faded(list(held), list(islice(shown, film.fade)), film)
            held.clear()
        if place == len(film.clips) - 1:
            yield from shown
            return
        for picture in shown:
            held.append(picture)
            if len(held) > film.fade:
                yield held.popleft()


def _cross_faded(leaving: list[Any], coming: list[Any], film: Film) -> Iterator[Any]:
    count, rate = len(coming), film.rate
    width, height = film.canvas.size
    ends = picture_input(width, height, PIXELS, rate, Fraction(1))
    seconds = float(count / rate)
    chain = Chain([ends, ends], f"xfade=duration={seconds:.6f}:offset=0", "buffersink")
    made: list[Any] = []
    for n, pair in enumerate(zip(leaving, coming, strict=True)):
        for place, picture in enumerate(pair):
            picture.pts, picture.time_base = n, 1 / rate
            chain.push(picture, place)
        made += chain.pull()
    for place in (0, 1):
        chain.push(None, place)
    made += chain.pull()
    # The last picture of a fade may be the next clip's own.
    yield from (made + coming[len(made) :])[:count]


def _pictures_of_clip(clip: Clip, canvas: Canvas, rate: Fraction) -> Iterator[Any]:
    """Yield exactly the clip's number of pictures: at each moment the one a player shows then."""
    fitter = Fitter(canvas)
    shown: Any = None
    made: Any = None
    done = 0
    for frame, at in _decoded(clip):
        while shown is not None and done < clip.frames and at > done / rate + TOLERANCE:
            made = made or fitter.fit(shown)
            yield made
            done += 1
        if done >= clip.frames:
            return
        shown, made = frame, None
    if shown is None:
        raise Refused("source_unreadable", "no frame could be decoded")
    made = made or fitter.fit(shown)
    for _ in range(clip.frames - done):
        yield made


def _decoded(clip: Clip) -> Iterator[tuple[Any, float]]:
    """The frames from about the clip's start on, and when each is shown after it, in seconds."""
    try:
        with sources.open_file(clip.source.path) as container:
            stream = sources.picture_track(container)
            stream.thread_type = "AUTO"
            from_start = clip.source.begins + clip.start
            if clip.start > 0:
                container.seek(int(from_start / stream.time_base), stream=stream)
            for frame in container.decode(stream):
                if frame.pts is not None:
                    yield frame, float(frame.pts * frame.time_base) - from_start
    except (av.FFmpegError, ValueError) as error:
        if getattr(error, "errno", 0) in sources.OUR_FAULTS:
            raise
        raise Refused("source_unreadable", str(error)) from error


class Fitter:
    """Brings frames of any form to the film's size, colours and pixels."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._form: tuple[Any, ...] = ()
        self._chain: Chain | None = None

    def fit(self, frame: Any) -> Any:
        aspect = Fraction(getattr(frame, "sample_aspect_ratio", None) or 1)
        form = (frame.width, frame.height, frame.format.name, frame.rotation % 360, aspect)
        if form != self._form or self._chain is None:
            self._form, self._chain = form, self._made_chain(frame, *form)
        frame.pts, frame.time_base = 0, Fraction(1, 24)
        fitted = list(self._chain.send(frame))
        if len(fitted) != 1:
            raise Refused("source_unreadable", "a frame could not be drawn")
        return fitted[0]

    def _made_chain(
        self, frame: Any, width: int, height: int, pixels: str, turn: int, aspect: Fraction
    ) -> Chain:
        filters = [TURNED[turn]] if turn in TURNED else []
        box, size, at = self._canvas.box, self._canvas.size, self._canvas.cut_at
        shown = (round(width * aspect), height)
        if turn % 180:
            shown = (shown[1], shown[0])
        scaled = _scaled(shown, box, fills=self._canvas.fills)
        # What browsers assume of a file that says nothing of its colours.
        guess = "bt709" if frame.height >= HD_HEIGHT else "bt601"
        is_unknown = frame.colorspace == sources.UNKNOWN_COLOURS
        colours = f"in_color_matrix={guess}:" if is_unknown else ""
        filters.append(
            f"scale={scaled[0]}:{scaled[1]}:flags=bicubic:{colours}"
            "out_color_matrix=bt709:out_range=tv"
        )
        filters += [f"format={PIXELS}", "setsar=1"]
        filters += _placed(scaled, box)
        if size != box:
            filters += _placed(box, size, at)
        source = picture_input(frame.width, frame.height, pixels, Fraction(24), aspect)
        return Chain([source], ",".join(filters), "buffersink")


def _scaled(shown: tuple[int, int], box: tuple[int, int], *, fills: bool) -> tuple[int, int]:
    """The size at which a picture fills the box, or is wholly in it."""
    if abs(shown[0] - box[0]) <= 1 and abs(shown[1] - box[1]) <= 1:
        return box
    factors = [Fraction(box[n], shown[n]) for n in (0, 1)]
    factor = max(factors) if fills else min(factors)
    made = [2 * round(side * factor / 2) for side in shown]
    return (max(made[0], 2), max(made[1], 2))


def _placed(
    size: tuple[int, int], box: tuple[int, int], at: tuple[int, int] | None = None
) -> list[str]:
    """Filters that cut a picture to a box, or put it on black, at `at` or in the middle."""
    left, top = at or tuple(2 * round((size[n] - box[n]) / 4) for n in (0, 1))
    width, height = min(size[0], box[0]), min(size[1], box[1])
    made = []
    if (width, height) != size:
        made.append(f"crop={width}:{height}:{max(left, 0)}:{max(top, 0)}")
    if (width, height) != box:
        made.append(f"pad={box[0]}:{box[1]}:{max(-left, 0)}:{max(-top, 0)}:black")
    return made
