"""Give the file of a finished video its content credentials before it is stored.

Nothing here loses a video: what cannot be signed is stored unsigned, logged, and signed later by
`manage.py sign_videos`.
"""

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from django.conf import settings

from videos.credentials import (
    frame_hashes,
    identity,
    labels,
    manifests,
    mp4_boxes,
    reading,
    signing,
)
from videos.credentials.manifests import Action, Ingredient
from videos.models import Video

log = logging.getLogger(__name__)

CONVERTED = Action("c2pa.transcoded", "made an MP4 that browsers play")
MARKED = Action("c2pa.edited", "a visible mark of AI was added to the first seconds")


@dataclass(frozen=True)
class Origin:
    """What was written into a file, and what its frames look like (see `frame_hashes`).

    `manifest` is "" for a file that was not signed, `error` then says why if it should have been.
    """

    manifest: str = ""
    signer: str = ""
    error: str = ""
    frames: Sequence[int | None] = field(default=())


@contextmanager
def with_origin(
    film: IO[bytes], video: Video, *, fetched: Path, done: Sequence[Action] = (), sign: bool = True
) -> Iterator[tuple[IO[bytes], Origin | None]]:
    """Yield the file to store, signed if `sign`, and its origin; None if credentials are off.

    `fetched` is the file that the engine gave, whose own manifest is kept, and `done` is what was
    done to it until it became `film`.
    """
    write = partial(_sign, Path(film.name), video, fetched, done)
    with _with_manifest(film, video, write if sign else None) as found:
        yield found


@contextmanager
def with_edit_origin(
    film: IO[bytes], video: Video, sources: Sequence[Ingredient], done: Sequence[Action]
) -> Iterator[tuple[IO[bytes], Origin | None]]:
    """Yield the signed file of an edit, and its origin, as `with_origin` does.

    `sources` are the files that it was made of, the first one its parent, and `done` what was done.
    """
    write = partial(_sign_edit, Path(film.name), video, sources, done)
    with _with_manifest(film, video, write) as found:
        yield found


def sign_export(
    made: Path, target: Path, video: Video, *, done: Sequence[Action], source: Path, media_type: str
) -> signing.Signed:
    """Write an export of a video to `target` with a manifest, an MP4 with labels too.

    `source` is the file of the video, its parent. Raises SigningFailed.
    """
    title = f"{video.pk}{made.suffix}"
    parents = [Ingredient(source, f"{video.pk}.mp4")]
    if media_type == "video/mp4":
        return _sign_labelled(made, target, video, done, parents)
    return signing.sign(
        made, target, title=title, actions=done, ingredients=parents, media_type=media_type
    )


@contextmanager
def _with_manifest(
    film: IO[bytes], video: Video, write: Callable[[Path], signing.Signed] | None
) -> Iterator[tuple[IO[bytes], Origin | None]]:
    """Have `write` make the signed file, None for none; what fails leaves the file as it is."""
    if not settings.CONTENT_CREDENTIALS:
        yield film, None
        return
    frames = _frames_of(film.name)
    if write is None:
        yield film, Origin(frames=frames)
        return
    folder = settings.FILE_UPLOAD_TEMP_DIR
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".mp4") as target:
        try:
            signed = write(Path(target.name))
        except Exception as error:  # c2pa is a library of another language
            log.exception("video %s is stored without content credentials", video.pk)
            yield film, Origin(error=f"{error}"[:500] or repr(error), frames=frames)
            return
        with Path(target.name).open("rb") as file:
            yield file, Origin(signed.manifest, signed.signer, frames=frames)


def _sign(
    film: Path, video: Video, fetched: Path, done: Sequence[Action], target: Path
) -> signing.Signed:
    own = manifests.created(str(video.pk), video.model, video.engine, _disclosed_prompt(video))
    title = f"{video.pk}.mp4"
    parents = []
    if reading.has_manifest(fetched):
        if signed := _signed_by_us(film):
            shutil.copyfile(film, target)
            return signed
        parents = [Ingredient(fetched, title)]
    return _sign_labelled(film, target, video, [own, *done], parents)


def _sign_edit(
    film: Path, video: Video, sources: Sequence[Ingredient], done: Sequence[Action], target: Path
) -> signing.Signed:
    own = manifests.created(str(video.pk), video.model, video.engine)
    return _sign_labelled(film, target, video, [own, *done], sources)


def _sign_labelled(
    film: Path,
    target: Path,
    video: Video,
    actions: Sequence[Action],
    ingredients: Sequence[Ingredient],
) -> signing.Signed:
    with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".mp4") as labelled:
        try:
            produce_id = video.pk.hex
            labels.write(film, Path(labelled.name), model=video.model, produce_id=produce_id)
        except mp4_boxes.NotWritable as error:
            log.info("video %s gets no labels beside its manifest: %s", video.pk, error)
        else:
            film = Path(labelled.name)
        title = f"{video.pk}.mp4"
        return signing.sign(film, target, title=title, actions=actions, ingredients=ingredients)


def _signed_by_us(film: Path) -> signing.Signed | None:
    """The signature of a file that we signed before we were killed."""
    who = identity.current()
    said = reading.read(film, "video/mp4", who.anchor)
    if said and said["state"] == "Trusted" and said["serial"] == who.serial:
        return signing.Signed(said["label"], who.name)
    return None


def _disclosed_prompt(video: Video) -> str:
    """The prompt, if the owner of the video wants it in the file."""
    return video.prompt if hasattr(video.user, "prompt_disclosure") else ""


def _frames_of(path: str) -> list[int | None]:
    try:
        return frame_hashes.hashes_of(path)
    except Exception:  # it is recognised by its bytes and its manifest only
        log.warning("the frames of %s cannot be hashed", path, exc_info=True)
        return []
