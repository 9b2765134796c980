"""An engine with the API of kie.ai for tests: its settings, and callbacks as it signs them."""

import base64
import hmac
import json
import time
from typing import Any

from django.test import Client

from videos.jobs import callbacks
from videos.models import Video

SECRET = "sandbox-callback-secret"
INPUT = (
    '{"*": {"aspect_ratio": "{aspect}", "n_frames": "{seconds}", "image_urls": "{images}"},'
    ' "sora-2-pro": {"size": "{resolution}"}}'
)
MODELS = (
    "sora-2=sora-2-text-to-video:sora-2-image-to-video,"
    "sora-2-pro=sora-2-pro-text-to-video:sora-2-pro-image-to-video"
)


def config(base_url: str, **more: str) -> dict[str, str]:
    """Return the settings of such an engine."""
    return {
        "adapter": "kie",
        "base_url": base_url,
        "api_key": "sk-sandbox",
        "callback_secret": SECRET,
        "models": MODELS,
        "input": INPUT,
        "seconds": "4,8,10,15",
        "offered_models": "sora-2,sora-2-pro",
        "operations": "text,image",
        "max_seconds": "15",
        "result_hosts": "",
        "upload_url": f"{base_url}/api/file-stream-upload",
        "is_sandbox": "1",
        **more,
    }


def notice(task_id: str, state: str = "success", **data: Any) -> bytes:
    """Return the documented body of a callback. Source: C17."""
    whole = {
        "taskId": task_id,
        "model": "sora-2.0",
        "state": state,
        "param": "{}",
        "resultJson": json.dumps({"resultUrls": ["https://evil.example/clip.mp4"]}),
        "costTime": 120_000,
        "completeTime": 1_704_451_200_000,
        "createTime": 1_704_451_080_000,
        **data,
    }
    return json.dumps({"code": 200, "msg": "success", "data": whole}).encode()


def signed(task_id: str, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    sent_at = str(int(at or time.time()))
    digest = hmac.digest(secret.encode(), f"{task_id}.{sent_at}".encode(), "sha256")
    return {
        "X-Webhook-Timestamp": sent_at,
        "X-Webhook-Signature": base64.b64encode(digest).decode(),
    }


def address_of(video: Video) -> str:
    """Return path and query of the callback URL of a video."""
    return callbacks.url_of(video).removeprefix("http://").partition("/")[2].join(("/", ""))


def call(
    video: Video, task_id: str, state: str = "success", headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    """Send a callback about a video, correctly signed unless `headers` are given."""
    sent = signed(task_id) if headers is None else headers
    client = Client(raise_request_exception=False, headers=sent)
    answer = client.post(address_of(video), notice(task_id, state), content_type="application/json")
    return answer.status_code, answer.json()
