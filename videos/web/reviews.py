"""The page on which the owner of a video asks for reviews and reads them."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from config.lib import rate_limits
from config.lib.web.responses import UserRequest, see_other
from videos.editing import failures, previews
from videos.editing.recipes import NotEditable
from videos.models import Video
from videos.reviews import comments, links
from videos.reviews.links import LinkOptions, TooManyLinks, UnusableLink
from videos.web.pages import get_own_video
from videos.web.presenters.video_card import cards_of

REFUSED = (TooManyLinks, UnusableLink, NotEditable, rate_limits.TooManyAttempts)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def reviews(request: UserRequest, video_id: UUID) -> HttpResponse:
    """Show what was said of a video and its links, or create a link."""
    video = get_own_video(request, video_id)
    if video.status != Video.Status.SUCCEEDED:
        return see_other("video", video_id)
    if request.method != "POST":
        return _render(request, video)
    days = request.POST.get("days", "")
    options = LinkOptions(
        request.POST.get("label", ""),
        int(days) if days.isascii() and days.isdecimal() and len(days) < 4 else 0,
        request.POST.get("password", ""),
        "full_file" in request.POST,
    )
    try:
        rate_limits.use("other", request.user)
        links.create(video, options)
    except REFUSED as error:
        is_late = isinstance(error, rate_limits.TooManyAttempts)
        return _render(request, video, error, 429 if is_late else 422)
    messages.success(request, _("The review link is ready. Its preview is being made."))
    return see_other("video-reviews", video_id)


def _render(
    request: UserRequest, video: Video, error: Exception | None = None, status: int = 200
) -> HttpResponse:
    rows = [
        {
            "link": link,
            "is_working": links.is_working(link),
            "url": settings.BASE_URL + reverse("review", args=[links.token_of(link)]),
            "is_ready": previews.is_ready(link.preview),
            "failure": failures.sentence(link.preview) if link.preview else "",
        }
        for link in links.of_video(video)
    ]
    context = {
        "at": "library",
        "card": cards_of([video])[0],
        "links": rows,
        "comments": comments.of_video(video),
        "error": error and str(error),
        "faulty": getattr(error, "field", ""),
        "given": request.POST,
        "usual_days": links.USUAL_DAYS,
    }
    return render(request, "videos/reviews.html", context, status=status)


@login_required
@require_POST
def end(request: UserRequest, link_id: UUID) -> HttpResponse:
    """End a review link."""
    link = links.of_user(request.user, link_id)
    if link is None:
        raise Http404
    links.end(link)
    messages.success(request, _("The link was ended and no longer works."))
    return see_other("video-reviews", link.video_id)


@login_required
@require_POST
def change(request: UserRequest, comment_id: int) -> HttpResponse:
    """Hide a comment or show it, resolve it or open it again."""
    found = comments.of_user(request.user, comment_id) if comment_id < 2**63 else None
    if found is None:
        raise Http404
    match request.POST.get("to"):
        case "hidden" | "shown" as to:
            comments.hide(found, to == "hidden")
        case "resolved" | "open" as to:
            comments.resolve(found, to == "resolved")
    return see_other(reverse("video-reviews", args=[found.link.video_id]) + f"#c{found.pk}")
