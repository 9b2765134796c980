"""Why an edit or an export ended without a file, in a sentence that says what to do."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from videos.models import MediaJob

CAUSES: dict[str, Promise] = {
    "source_deleted": _("A video of this edit was deleted before it was made."),
    "source_gone": _("The file of a video cannot be read any more."),
    "source_unreadable": _("The file of a video is damaged or has a form that cannot be edited."),
    "no_picture": _("The file of a video has no picture."),
    "sound_deleted": _("The sound file was deleted before the edit was made. Upload it again."),
    "sound_unreadable": _("The sound file is damaged. Upload another one."),
    "trim_outside": _("The part to keep lies outside of the video. Choose another start and end."),
    "crossfade_too_long": _("The cross-fade is longer than half of a video. Choose a shorter one."),
    "too_long": _("The film would be longer than is allowed here. Shorten it."),
    "too_large": _("The picture is larger than is allowed here."),
    "file_too_large": _("The file would be larger than is allowed here. Shorten the film."),
    "too_much_memory": _("The edit needs more memory than is allowed here. Choose a smaller one."),
    "too_much_time": _("The edit took longer than is allowed here. Shorten the film."),
    "interrupted": _("The edit was interrupted several times. Try again later."),
    "disk_full": _("The server has no room for the file. Try again later."),
    "not_stored": _("The finished file could not be stored. Try again later."),
    "broken": _("The edit could not be made. Try other settings."),
}
# Those of exports, where they are other ones.
OF_EXPORTS: dict[str, Promise] = {
    "source_deleted": _("The video was deleted before the export was made."),
    "no_sound": _("The video has no sound."),
    "animation_too_large": _(
        "The video is too long for an animation of the size that is allowed here. Shorten it."
    ),
    "too_long": _("The video is longer than is allowed here. Shorten it."),
    "file_too_large": _("The file would be larger than is allowed here. Choose another format."),
    "too_much_memory": _("The export needs more memory than is allowed here. Choose another one."),
    "too_much_time": _("The export took longer than is allowed here. Choose another format."),
    "interrupted": _("The export was interrupted several times. Try again later."),
    "not_offered": _("This format is no longer offered here."),
    "broken": _("The export could not be made. Choose another format."),
}
CANCELLED = _("You cancelled this edit.")
CANCELLED_EXPORT = _("You cancelled this export.")


def sentence(job: MediaJob) -> str:
    """Why a job ended without a video; "" for other jobs."""
    is_export = job.kind == MediaJob.Kind.EXPORT
    if job.status == MediaJob.Status.CANCELLED:
        return str(CANCELLED_EXPORT if is_export else CANCELLED)
    if job.status == MediaJob.Status.FAILED:
        causes = CAUSES | OF_EXPORTS if is_export else CAUSES
        return str(causes.get(job.failure_code, causes["broken"]))
    return ""
