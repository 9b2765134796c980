"""Make the file of an export: a film, an animation, its frames, a sheet of them, or its sound.

The work has, beside a recipe, the `export`: its `format`, the `most_size` of the picture, the
`most_bits` per second and, for an animation, the `most_bytes`.
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from videos.editing.film import animations, frames, pictures, plan, sounds, sources, writing
from videos.editing.film.encodings import ANIMATIONS, FILMS, FRAMES, SOUNDS, Encoding
from videos.editing.film.plan import Film, Refused


def make(work: dict[str, Any], tell: Callable[[float], None]) -> dict[str, Any]:
    """Make the file and return what it is. Raises Refused or av.FFmpegError."""
    limits, recipe, asked = work["limits"], work["recipe"], work["export"]
    path = recipe["clips"][0]["path"]
    measured = [sources.measure(path, limits["source_pixels"])]

    def compose(**bounds: Any) -> Film:
        return plan.compose(recipe | bounds, measured, limits)

    name, target = asked["format"], work["target"]
    if name in ANIMATIONS:

        def smaller(side: int, rate: Fraction) -> Film:
            return compose(most_size=(side, side), most_rate=rate)

        film = animations.write(target, name, smaller, asked["most_bytes"], tell)
    elif name in FILMS:
        film = compose(most_size=asked["most_size"])
        writing.write(
            target, film, pictures.pictures_of(film), _sound(film), tell, _encoding(asked)
        )
    elif name in SOUNDS:
        film = compose()
        sound = _sound(film)
        if sound is None:
            raise Refused("no_sound")
        writing.write_sound(target, film, sound, tell, SOUNDS[name])
        return {"width": 0, "height": 0, "seconds": float(film.frames / film.rate)}
    elif name in FRAMES:
        film = compose()
        frames.write_frames(target, film, tell)
    else:
        film = compose(most_size=(frames.CELL_SIDE, frames.CELL_SIDE))
        width, height = frames.write_sheet(target, film, tell)
        return {"width": width, "height": height, "seconds": 0.0}
    width, height = film.canvas.size
    return {"width": width, "height": height, "seconds": float(film.frames / film.rate)}


def _sound(film: Film) -> Any:
    is_heard = sounds.has_sound(film, None, mute=False)
    return sounds.sound_of(film, None, mute=False) if is_heard else None


def _encoding(asked: dict[str, Any]) -> Encoding:
    encoding = FILMS[asked["format"]]
    if most := asked.get("most_bits"):
        limited = {"maxrate": str(most), "bufsize": str(most * 2)}
        encoding = replace(encoding, picture_options=encoding.picture_options | limited)
    return encoding
