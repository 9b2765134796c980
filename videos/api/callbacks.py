"""Webhooks from upstreams: bells, never the truth. What rang is fetched by the worker."""

import logging
from typing import NoReturn

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from videos.engines import base
from videos.engines.base import AuthFailed, Bell, InvalidRequest, JobState
from videos.jobs import callbacks

log = logging.getLogger(__name__)

MAX_BYTES = 256 * 1024
# Source: C17.
MESSAGES = {
    JobState.SUCCEEDED: "Task completed successfully",
    JobState.FAILED: "Task failure received",
}
NOTED = "Task notification received"


class Unwanted(Exception):
    """A call that is answered with an error and does nothing."""

    def __init__(self, status: int, detail: str) -> None:
        self.status, self.detail = status, detail
        super().__init__(detail)

    def answer(self) -> JsonResponse:
        headers = {"Allow": "POST"} if self.status == 405 else {}
        return JsonResponse({"detail": self.detail}, status=self.status, headers=headers)


@csrf_exempt
def upstream(request: HttpRequest, upstream: str) -> JsonResponse:
    """POST /api/webhooks/<upstream>: 401 for a forged call, 200 for a genuine one of any job."""
    try:
        callbacks.take(upstream, _heard(request, upstream, _body(request, upstream)))
    except Unwanted as unwanted:
        return unwanted.answer()
    return JsonResponse({"received": True})


@csrf_exempt
def callback(request: HttpRequest) -> JsonResponse:
    """POST /api/videos/sora/callback: for who holds the video's token, and signs where a key is."""
    try:
        body = _body(request)
        try:
            video = callbacks.video_of(request.GET.get("t", ""))
        except AuthFailed as error:
            _forged("callback", error)
        if video is None or video.provider not in settings.UPSTREAMS:
            raise Unwanted(404, "Resource not found")
        bell = _heard(request, video.provider, body, vouched=True)
        if not callbacks.take(video.provider, bell, video):
            raise Unwanted(404, "Resource not found")
    except Unwanted as unwanted:
        return unwanted.answer()
    message = MESSAGES.get(bell.state, NOTED) if bell.state else NOTED
    return JsonResponse({"success": True, "message": message, "task_id": str(video.pk)})


def _body(request: HttpRequest, upstream: str = "") -> bytes:
    if upstream and upstream not in settings.UPSTREAMS:
        raise Unwanted(404, "Resource not found")
    if request.method != "POST":
        raise Unwanted(405, "Method not allowed")
    body = request.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise Unwanted(413, "Payload too large")
    return body


def _heard(request: HttpRequest, upstream: str, body: bytes, *, vouched: bool = False) -> Bell:
    try:
        return base.get(upstream).heard(request.headers, body, vouched=vouched)
    except AuthFailed as error:
        _forged(upstream, error)
    except InvalidRequest as error:
        raise Unwanted(400, "The body could not be read.") from error


def _forged(upstream: str, error: AuthFailed) -> NoReturn:
    log.warning("webhook of %s refused: %s", upstream, error.detail)
    raise Unwanted(401, "Not authenticated") from error
