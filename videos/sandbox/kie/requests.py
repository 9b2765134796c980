"""Validation of createTask bodies. Source: docs.kie.ai, the Sora 2 model pages."""

import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from videos.sandbox.http.errors import ApiError
from videos.sandbox.jobs.creation import CreateRequest
from videos.sandbox.kie import uploads
from videos.sandbox.openai.body import BODY_LIMIT

PROMPT_LIMIT = 5000
LENGTHS = ("4", "8", "10", "12", "15", "16", "20", "25")
SIZES = {
    ("landscape", "standard"): "1280x720",
    ("portrait", "standard"): "720x1280",
    ("landscape", "high"): "1920x1080",
    ("portrait", "high"): "1080x1920",
}
TEXT_MODELS = {"sora-2-text-to-video": "sora-2", "sora-2-pro-text-to-video": "sora-2-pro"}
IMAGE_MODELS = {"sora-2-image-to-video": "sora-2", "sora-2-pro-image-to-video": "sora-2-pro"}
MODELS = TEXT_MODELS | IMAGE_MODELS


def read_body(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON body of a createTask. Raises ApiError 422."""
    try:
        body = json.loads(request.read(BODY_LIMIT))
    except (ValueError, RecursionError) as error:
        raise ApiError(422, "The body is not JSON") from error
    if not isinstance(body, dict) or not isinstance(body.get("input"), dict):
        raise ApiError(422, "input is required")
    return body


def read_create(body: dict[str, Any]) -> CreateRequest:
    """Validate a createTask body. Raises ApiError 422."""
    model, fields = body.get("model"), body["input"]
    if not isinstance(model, str) or model not in MODELS:
        raise ApiError(422, "The model name you specified is not supported")
    prompt = fields.get("prompt")
    if not isinstance(prompt, str) or not 0 < len(prompt.strip()) <= PROMPT_LIMIT:
        raise ApiError(422, "The prompt must have 1 to 5000 characters")
    if not prompt.encode(errors="replace").decode() == prompt or "\0" in prompt:
        raise ApiError(422, "The prompt is not text")
    seconds = fields.get("n_frames", "10")
    shape = (fields.get("aspect_ratio", "landscape"), fields.get("size", "standard"))
    if seconds not in LENGTHS or not all(isinstance(word, str) for word in shape):
        raise ApiError(422, "n_frames is not within the range of allowed options")
    if shape not in SIZES:
        raise ApiError(422, "aspect_ratio or size is not within the range of allowed options")
    image = uploads.read_first_frame(fields, SIZES[shape]) if model in IMAGE_MODELS else None
    return CreateRequest(prompt, MODELS[model], SIZES[shape], seconds, image)


def read_callback_url(body: dict[str, Any]) -> str:
    """Return where to call back, "" for nowhere.

    Raises ApiError 422 for any other machine: a sandbox on a laptop must not call strangers.
    """
    url = str(body.get("callBackUrl") or "")
    own_hosts = {"127.0.0.1", "localhost", urlsplit(settings.BASE_URL).hostname}
    try:
        parts = urlsplit(url)
        allowed = parts.scheme in {"http", "https"} and parts.hostname in own_hosts
    except ValueError:
        allowed = False
    if url and not allowed:
        raise ApiError(422, "The sandbox calls back only the machine it runs on")
    return url
