"""Take a frame of an own finished video as an image of the next order."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from config.lib import rate_limits
from config.lib.rate_limits import TooManyAttempts
from config.lib.web.paging import page_of
from config.lib.web.responses import UserRequest, see_other
from videos.library import counts
from videos.media import frames, uploads
from videos.models import Upload, Video
from videos.web.pages import get_own_video
from videos.web.presenters.video_card import cards_of

PER_PAGE = 12
# Which part of a video has passed at the frame; the middle one is that of the poster.
PLACES = {"first": 0.0, "middle": 0.5, "last": 1.0}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def pick(request: UserRequest) -> HttpResponse:
    """Show the finished videos, or take a frame of one and go on to the studio with it."""
    if request.method == "POST":
        return _answer(request)
    rows = Video.objects.of(request.user).filter(status=Video.Status.SUCCEEDED).newest()
    page = page_of(request, rows, PER_PAGE, counts.counts_of(request.user).succeeded)
    context = {"at": "studio", "page": page, "cards": cards_of(page)}
    return render(request, "videos/pick_frame.html", context)


def _answer(request: UserRequest) -> HttpResponse:
    """Answer with the image; a script gets its id and name, or what is wrong."""
    is_quiet = "quiet" in request.POST
    video = get_own_video(request, _uuid(request.POST.get("video", "")))
    try:
        image = _take(request, video)
    except (uploads.QuotaFull, frames.NoFrame, TooManyAttempts) as error:
        if is_quiet:
            status = 429 if isinstance(error, TooManyAttempts) else 422
            return JsonResponse({"detail": str(error)}, status=status)
        messages.error(request, str(error))
        return see_other("reference-library")
    if is_quiet:
        return JsonResponse({"id": str(image.pk), "name": image.name}, status=201)
    return see_other(f"{reverse('studio')}?first_image={image.pk}")


def _take(request: UserRequest, video: Video) -> Upload:
    rate_limits.use("upload", request.user)
    place = PLACES.get(request.POST.get("place", ""), PLACES["middle"])
    return frames.store_frame(video, place * video.seconds)


def _uuid(text: str) -> UUID:
    """The id of a video; that of none for what is no id."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
