"""Have a process make the file of an export, sign it and store it. Uses no database."""

import logging
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from videos.credentials import origins, signing
from videos.credentials.manifests import Action
from videos.editing import films
from videos.editing.exports.formats import FORMATS, Format
from videos.editing.films import Failed, MadeExport, Outcome, Stopped, Task, Work
from videos.engines.errors import NotReady
from videos.media import export_files, files
from videos.models import MediaJob, Video

log = logging.getLogger(__name__)

# What a manifest with that of its source may add to an animation.
MANIFEST_BYTES = 64 * 1024


def task_of(job: MediaJob) -> Task:
    """What a thread does for an export."""
    form = FORMATS.get(job.export.format)
    source = job.videos[0]
    aspect = form.aspect if form else ""
    reframe = {name: job.recipe.get(name) for name in ("fit", "position")} | {"aspect": aspect}
    recipe = {"reframe": reframe} if aspect else {}
    work = Work(job.pk, job.attempts, recipe, [source], None, None, source)
    return Task(work, partial(films.make, work, partial(_made, form)), partial(_clean, work))


def _made(form: Format | None, work: Work, folder: Path) -> Outcome:
    if form is None:  # of another version of this program
        raise Failed("not_offered")
    target = folder / f"film.{form.suffix}"
    instructions = films.instructions_of(work, folder, target)
    most_bytes = max(settings.EXPORT_ANIMATION_BYTES - MANIFEST_BYTES, MANIFEST_BYTES)
    instructions["export"] = {
        "format": form.encoding,
        "most_size": form.most_size,
        "most_bits": form.most_bits,
        "most_bytes": most_bytes,
    }
    made = films.run_process(work, instructions)
    if work.stop.is_set():
        raise Stopped
    source = Path(instructions["recipe"]["clips"][0]["path"])
    signed = _signed(form, work, target, source)
    try:
        return _stored(form, work, target, signed, made)
    except NotReady as error:
        raise Failed("not_stored", str(error), again=True) from error


def _signed(form: Format, work: Work, made: Path, source: Path) -> signing.Signed | None:
    """Sign the file in its place; one that cannot be signed stays as it is."""
    if not settings.CONTENT_CREDENTIALS:
        return None
    target = made.with_name(f"signed.{form.suffix}")
    done = actions_of(form, work.recipe)
    try:
        signed = origins.sign_export(
            made, target, work.result, done=done, source=source, media_type=form.media_type
        )
    except Exception:  # c2pa is a library of another language
        log.exception("export %s is stored without content credentials", work.job_id)
        return None
    target.replace(made)
    return signed


def actions_of(form: Format, recipe: dict[str, Any]) -> list[Action]:
    """What was done to the video, as its content credentials say it."""
    done = []
    if reframe := recipe.get("reframe"):
        done.append(Action("c2pa.cropped", f"the picture is {reframe['aspect']} now"))
    if form.group == "sound":
        done.append(Action("c2pa.edited", "only the sound was kept"))
    if form.name == "sheet":
        done.append(Action("c2pa.edited", "frames were put on one picture"))
    return [*done, Action("c2pa.transcoded", f"made {form.name} as {form.media_type}")]


def _stored(
    form: Format, work: Work, path: Path, signed: signing.Signed | None, made: dict[str, Any]
) -> MadeExport:
    video: Video = work.result
    name = export_files.name_of(video.user_id, video.pk, work.job_id, form.suffix)
    sha256, size_bytes = files.store_file(path, name)
    sidecar = ""
    if signed and signed.sidecar:
        sidecar = default_storage.save(name + signing.SIDECAR_SUFFIX, ContentFile(signed.sidecar))
    manifest = signed.manifest if signed else ""
    return MadeExport(name, sidecar, size_bytes, sha256, manifest, **made)


def _clean(work: Work) -> bool:
    try:
        films.remove_temporary_files(work.job_id)
        export_files.delete(work.result.user_id, work.result.pk, work.job_id)
    except Exception:
        log.exception("the files of export %s could not be removed", work.job_id)
        return False
    return True
