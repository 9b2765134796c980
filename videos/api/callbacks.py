"""Callbacks of engines. They only wake the worker, which polls the engine for the truth."""

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


class RejectedCallback(Exception):
    """The callback is answered with this error and not recorded."""

    def __init__(self, status: int, detail: str) -> None:
        self.status, self.detail = status, detail
        super().__init__(detail)

    def answer(self) -> JsonResponse:
        headers = {"Allow": "POST"} if self.status == 405 else {}
        return JsonResponse({"detail": self.detail}, status=self.status, headers=headers)


@csrf_exempt
def engine_webhook(request: HttpRequest, engine: str) -> JsonResponse:
    """POST /api/webhooks/<engine>: 200 for a verified callback of any job, 401 for a forged one."""
    try:
        callbacks.record_callback(engine, _read_callback(request, engine, _body(request, engine)))
    except RejectedCallback as rejected:
        return rejected.answer()
    return JsonResponse({"received": True})


@csrf_exempt
def callback(request: HttpRequest) -> JsonResponse:
    """POST /api/videos/sora/callback: the URL holds the video's token; signed if a key is set."""
    try:
        body = _body(request)
        try:
            video = callbacks.video_of(request.GET.get("t", ""))
        except AuthFailed as error:
            _reject_forged("callback", error)
        if video is None or video.engine not in settings.ENGINES:
            raise RejectedCallback(404, "Resource not found")
        notice = _read_callback(request, video.engine, body, from_secret_url=True)
        if not callbacks.record_callback(video.engine, notice, video):
            raise RejectedCallback(404, "Resource not found")
    except RejectedCallback as rejected:
        return rejected.answer()
    message = MESSAGES.get(notice.state, NOTED) if notice.state else NOTED
    return JsonResponse({"success": True, "message": message, "task_id": str(video.pk)})


def _body(request: HttpRequest, engine: str = "") -> bytes:
    if engine and engine not in settings.ENGINES:
        raise RejectedCallback(404, "Resource not found")
    if request.method != "POST":
        raise RejectedCallback(405, "Method not allowed")
    body = request.read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise RejectedCallback(413, "Payload too large")
    return body


def _read_callback(
    request: HttpRequest, engine: str, body: bytes, *, from_secret_url: bool = False
) -> Callback:
    try:
        return base.get(engine).read_callback(
            request.headers, body, from_secret_url=from_secret_url
        )
    except AuthFailed as error:
        _reject_forged(engine, error)
    except InvalidRequest as error:
        raise RejectedCallback(400, "The body could not be read.") from error


def _reject_forged(engine: str, error: AuthFailed) -> NoReturn:
    log.warning("callback of %s rejected: %s", engine, error.detail)
    raise RejectedCallback(401, "Not authenticated") from error
