"""Tags on pages: those of one video, and one act on several."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from config.lib.web.responses import UserRequest, redirect_back, see_other
from videos.library import tags
from videos.models import Video
from videos.web.collections import collections
from videos.web.pages import get_own_video
from videos.web.selection import chosen_videos


@login_required
@require_POST
def change(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Put tags on a video, or take one off; a script gets the part of the page that shows them."""
    video = get_own_video(request, video_id)
    error = _change(video, request.POST.get("add", ""), request.POST.get("remove", ""))
    if "quiet" in request.POST:
        context = {"video": video, "own_tags": tags.tags_of(request.user), "error": error}
        return render(request, "videos/tags.html", context)
    if error:
        messages.error(request, error)
    return see_other("video", video_id)


def _change(video: Video, added: str, removed: str) -> str:
    """Change the tags of a video; return why not, if so."""
    try:
        if removed:
            tags.remove(video, removed)
        tags.add([video], tags.split(added))
    except tags.BadTag as error:
        return str(error)
    return ""


@login_required
@require_POST
def add_to_many(request: UserRequest) -> HttpResponse:
    """Put tags on the chosen videos.

    The Enter key in any field of the library's bar arrives here, so a name for a new collection may
    come instead.
    """
    words = request.POST.get("tags", "")
    if not words.strip() and request.POST.get("name", "").strip():
        return collections(request)
    chosen = list(chosen_videos(request))
    try:
        names = tags.split(words)
        if not chosen:
            messages.error(request, _("Select at least one video."))
        elif not names:
            messages.error(request, _("Enter a tag."))
        else:
            tags.add(chosen, names)
            text = ngettext("%(n)d video is tagged.", "%(n)d videos are tagged.", len(chosen))
            messages.success(request, text % {"n": len(chosen)})
    except tags.BadTag as error:
        messages.error(request, str(error))
    return redirect_back(request, "library")
