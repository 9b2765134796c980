"""Why an edit ended without a video, in a sentence that says what to do."""

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
CANCELLED = _("You cancelled this edit.")


def sentence(job: MediaJob) -> str:
    """Why a job ended without a video; "" for other jobs."""
    if job.status == MediaJob.Status.CANCELLED:
        return str(CANCELLED)
    if job.status == MediaJob.Status.FAILED:
        return str(CAUSES.get(job.failure_code, CAUSES["broken"]))
    return ""
