"""The page for whoever has a review link, without an account."""

from math import isfinite
from urllib.parse import quote, unquote

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from config.lib import rate_limits
from config.lib.web.responses import file_or_404, see_other
from videos.editing import previews
from videos.library.public_links import LinkNotFound
from videos.media import delivery, http_ranges
from videos.media.engine_files import EngineFileError
from videos.media.http_ranges import StoredFile
from videos.models import MediaJob, ReviewComment, ReviewLink
from videos.reviews import comments, links
from videos.reviews.comments import NewComment, NotAccepted

# Cookies of this page alone: that the password was right, and the name that was given.
PASS, NAME = "review_pass", "review_name"
Kind = ReviewComment.Kind


@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, token: str) -> HttpResponse:
    """Show the review, ask for its password, or keep what a reviewer says."""
    link = _link(token)
    if not _is_open(request, link):
        answer = _ask(request, link, token)
    elif request.method == "POST":
        answer = _keep(request, link, token)
    else:
        answer = _render(request, link, token)
    answer["X-Robots-Tag"] = "noindex"
    answer["Cache-Control"] = "private, no-store"
    return answer


def _ask(request: HttpRequest, link: ReviewLink, token: str) -> HttpResponse:
    status, error = 200, ""
    if request.method == "POST":
        try:
            comments.count_password(request, link)
        except rate_limits.TooManyAttempts as late:
            status, error = 429, str(late)
        else:
            if kept := links.pass_of(link, request.POST.get("password", "")[:200]):
                answer: HttpResponse = see_other("review", token)
                _set_cookie(answer, PASS, kept, token)
                return answer
            status, error = 422, _("The password is wrong.")
    return render(request, "videos/review_password.html", {"error": error}, status=status)


def _keep(request: HttpRequest, link: ReviewLink, token: str) -> HttpResponse:
    asked = request.POST
    kind = asked.get("kind", "")
    try:
        comments.count(request, link)
        x, y = _number(asked.get("x", ""), "x"), _number(asked.get("y", ""), "y")
        point = None if x is None or y is None else (x / 100, y / 100)
        new = NewComment(
            asked.get("name", ""),
            asked.get("text", ""),
            kind if kind in (Kind.APPROVED, Kind.CHANGES) else Kind.COMMENT,
            _number(asked.get("at", ""), "at"),
            point,
        )
        kept = comments.add(link, new)
    except rate_limits.TooManyAttempts as error:
        return _render(request, link, token, error, 429)
    except NotAccepted as error:
        return _render(request, link, token, error, 422)
    messages.success(request, _("Thank you. The owner of the video will read it."))
    answer = see_other(f"{reverse('review', args=[token])}#c{kept.pk}")
    _set_cookie(answer, NAME, quote(kept.name), token)
    return answer


def _number(text: str, field: str) -> float | None:
    """Return a number of a form. Raises NotAccepted."""
    if not text.strip():
        return None
    try:
        number = float(text[:30])
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise NotAccepted(field, _("Enter a number."))
    return number


def _render(
    request: HttpRequest,
    link: ReviewLink,
    token: str,
    error: Exception | None = None,
    status: int = 200,
) -> HttpResponse:
    job = link.preview
    context = {
        "link": link,
        "token": token,
        "title": link.label,
        "is_ready": previews.is_ready(job),
        "is_lost": job is None or job.status in MediaJob.LOST,
        "comments": comments.of_link(link),
        "name": unquote(request.COOKIES.get(NAME, ""))[:60],
        "given": request.POST,
        "error": error and str(error),
        "faulty": getattr(error, "field", ""),
        "start": _start(request),
    }
    return render(request, "videos/review.html", context, status=status)


def _start(request: HttpRequest) -> float:
    """Return the moment that a comment's link leads to, for a browser without scripts."""
    try:
        return max(_number(request.GET.get("t", ""), "at") or 0.0, 0.0)
    except NotAccepted:
        return 0.0


def _set_cookie(answer: HttpResponse, name: str, value: str, token: str) -> None:
    answer.set_cookie(
        name,
        value,
        path=reverse("review", args=[token]),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


@require_safe
def preview(request: HttpRequest, token: str) -> HttpResponseBase:
    """Send the preview."""
    job = _opened(request, token).preview
    if job is None or not previews.is_ready(job):
        raise Http404
    file = StoredFile(previews.file_name(job), "video/mp4", "preview.mp4", job.pk.hex)
    with file_or_404():
        return http_ranges.file_response(request, file, attachment=False)


@require_safe
def poster(request: HttpRequest, token: str) -> HttpResponseBase:
    """Send the thumbnail."""
    video = _opened(request, token).video
    file = StoredFile(str(video.thumbnail.name), "image/webp", "poster.webp", f"{video.pk.hex}-p")
    with file_or_404():
        return http_ranges.file_response(request, file, attachment=False)


@require_safe
def full_file(request: HttpRequest, token: str) -> HttpResponseBase:
    """Send the whole file, where the owner allows it."""
    link = _opened(request, token)
    if not link.full_file:
        raise Http404
    video = link.video
    try:
        with file_or_404():
            return delivery.video_response(
                request, video, filename=f"{video.pk}.mp4", etag=video.file_sha256[:32],
                attachment=True,
            )  # fmt: skip
    except EngineFileError as error:
        return delivery.error_page(error)


def _opened(request: HttpRequest, token: str) -> ReviewLink:
    link = _link(token)
    if not _is_open(request, link):
        raise Http404
    return link


def _is_open(request: HttpRequest, link: ReviewLink) -> bool:
    return links.is_open(link, request.COOKIES.get(PASS, ""))


def _link(token: str) -> ReviewLink:
    try:
        return links.link_for_token(token)
    except LinkNotFound as error:
        raise Http404 from error
