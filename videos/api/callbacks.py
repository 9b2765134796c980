"""Webhooks from engines: bells, never the truth. What rang is fetched by the worker."""

import logging
from typing import NoReturn

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from videos.engines import base
from videos.engines.base import Callback, JobState
from videos.engines.errors import AuthFailed, InvalidRequest
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
def engine_webhook(request: HttpRequest, engine: str) -> JsonResponse:
    """POST /api/webhooks/<engine>: 401 for a forged call, 200 for a genuine one of any job."""
    try:
        callbacks.record_callback(engine, _heard(request, engine, _body(request, engine)))
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
        if video is None or video.engine not in settings.ENGINES:
            raise Unwanted(404, "Resource not found")
        bell = _heard(request, video.engine, body, vouched=True)
        if not callbacks.record_callback(video.engine, bell, video):
            raise Unwanted(404, "Resource not found")
    except Unwanted as unwanted:
        return unwanted.answer()
    message = MESSAGES.get(bell.state, NOTED) if bell.state else NOTED
    return JsonResponse({"success": True, "message": message, "task_id": str(video.pk)})


def _body(request: HttpRequest, engine: str = "") -> bytes:
    if engine and engine not in settings.ENGINES:
        raise Unwanted(404, "Resource not found")
    if request.method != "POST":
        raise Unwanted(405, "Method not allowed")
    body = request.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise Unwanted(413, "Payload too large")
    return body


def _heard(request: HttpRequest, engine: str, body: bytes, *, vouched: bool = False) -> Callback:
    try:
        return base.get(engine).heard(request.headers, body, vouched=vouched)
    except AuthFailed as error:
        _forged(engine, error)
    except InvalidRequest as error:
        raise Unwanted(400, "The body could not be read.") from error


def _forged(engine: str, error: AuthFailed) -> NoReturn:
    log.warning("webhook of %s refused: %s", engine, error.detail)
    raise Unwanted(401, "Not authenticated") from error
