"""Validation of the requests of the Videos API.

Source: openai-openapi `CreateVideoBody`, `CreateVideoRemixBody`; sizes and lengths per model from
the video generation guide.
"""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from videos.sandbox.http.errors import ApiError
from videos.sandbox.jobs.creation import CreateRequest
from videos.sandbox.openai import images
from videos.sandbox.openai.body import read_body
from videos.sandbox.openai.values import choose, is_text, printable, wrong_type

PROMPT_LIMIT = 32_000
SECONDS = ("4", "8", "12", "16", "20")
STANDARD_SIZES = ("1280x720", "720x1280")
PRO_SIZES = (*STANDARD_SIZES, "1024x1792", "1792x1024", "1920x1080", "1080x1920")
MODELS = {
    "sora-2": STANDARD_SIZES,
    "sora-2-2025-10-06": STANDARD_SIZES,
    "sora-2-2025-12-08": STANDARD_SIZES,
    "sora-2-pro": PRO_SIZES,
    "sora-2-pro-2025-10-06": PRO_SIZES,
}
# The last two are the sandbox's own: OpenAI's API has one image.
CREATE_FIELDS = {
    *("prompt", "model", "seconds", "size", "input_reference", "characters"),
    *("last_image", "reference_images"),
}
PAGE_LIMIT = 100
PAGE_DEFAULT = 20


@dataclass(frozen=True, slots=True)
class ListQuery:
    after: str | None
    limit: int
    ascending: bool


def read_create(request: HttpRequest) -> CreateRequest:
    """Validate a create. Raises ApiError 400, 413 or 415."""
    fields = read_body(request)
    _check_names(fields, CREATE_FIELDS)
    prompt = _read_prompt(fields)
    model = choose(fields, "model", tuple(MODELS), "sora-2")
    size = choose(fields, "size", MODELS[model], "720x1280")
    seconds = choose(fields, "seconds", SECONDS, "4")
    return CreateRequest(
        prompt,
        model,
        size,
        seconds,
        first_image=images.read_frame(fields, "input_reference", size),
        last_image=images.read_frame(fields, "last_image", size),
        references=images.read_references(fields),
    )


def read_remix(request: HttpRequest) -> str:
    """Return the prompt of a remix. Raises ApiError 400, 413 or 415."""
    fields = read_body(request)
    _check_names(fields, {"prompt"})
    return _read_prompt(fields)


def read_list_query(request: HttpRequest) -> ListQuery:
    """Validate the query of a list. Raises ApiError 400."""
    limit = request.GET.get("limit", str(PAGE_DEFAULT))
    order = request.GET.get("order", "desc")
    after = request.GET.get("after") or None
    if not (limit.isascii() and limit.isdigit() and len(limit) < 9 and int(limit) <= PAGE_LIMIT):
        raise invalid_query("limit", f"expected an integer from 0 to {PAGE_LIMIT}")
    if order not in ("asc", "desc"):
        raise invalid_query("order", "expected 'asc' or 'desc'")
    return ListQuery(after, int(limit), ascending=order == "asc")


def invalid_query(param: str, expected: str) -> ApiError:
    return ApiError(400, f"Invalid '{param}': {expected}.", code="invalid_value", param=param)


def _check_names(fields: dict[str, Any], known: set[str]) -> None:
    for name in fields:
        if name not in known:
            shown = printable(name)
            raise ApiError(
                400, f"Unknown parameter: '{shown}'.", code="unknown_parameter", param=shown
            )


def _read_prompt(fields: dict[str, Any]) -> str:
    prompt = fields.get("prompt")
    if prompt is None:
        raise ApiError(
            400,
            "Missing required parameter: 'prompt'.",
            code="missing_required_parameter",
            param="prompt",
        )
    if not isinstance(prompt, str):
        raise wrong_type("prompt", "a string", prompt)
    if not prompt.strip() or len(prompt) > PROMPT_LIMIT or not is_text(prompt):
        raise ApiError(
            400,
            f"Invalid 'prompt': expected 1 to {PROMPT_LIMIT} characters of text.",
            code="invalid_value",
            param="prompt",
        )
    return prompt
