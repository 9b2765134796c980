"""What a client may send: create and remix bodies, in the three encodings the Videos API took.

Source: openai-openapi `CreateVideoBody`, `CreateVideoRemixBody`; sizes and lengths per model from
the video generation guide.
"""

import base64
import binascii
import io
import json
import re
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from PIL import Image

BODY_LIMIT = 25 * 1024 * 1024
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
CREATE_FIELDS = {"prompt", "model", "seconds", "size", "input_reference", "characters"}


class Refused(Exception):
    """A request the API answers with its error body and `status`."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str = "invalid_request_error",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.error = {"message": message, "type": type, "param": param, "code": code}


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A create body that passed every check; `reference` is the first frame's file."""

    prompt: str
    model: str
    size: str
    seconds: str
    reference: bytes | None


def read_create(request: HttpRequest) -> CreateRequest:
    """Read and check a create body. Raises Refused for anything the API would not take."""
    fields = _read_body(request)
    _refuse_unknown(fields, CREATE_FIELDS)
    prompt = _read_prompt(fields)
    model = _choose(fields, "model", tuple(MODELS), "sora-2")
    size = _choose(fields, "size", MODELS[model], "720x1280")
    seconds = _choose(fields, "seconds", SECONDS, "4")
    return CreateRequest(prompt, model, size, seconds, _read_reference(fields, size))


def read_remix(request: HttpRequest) -> str:
    """Read the prompt of a remix body. Raises Refused for anything the API would not take."""
    fields = _read_body(request)
    _refuse_unknown(fields, {"prompt"})
    return _read_prompt(fields)


def _read_body(request: HttpRequest) -> dict[str, Any]:
    if _declared_length(request) > BODY_LIMIT:
        raise _too_large()
    try:
        if request.content_type == "application/json":
            return _parse_json(request.read(BODY_LIMIT + 1))
        if request.content_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
            return _fold_brackets({**request.POST.dict(), **request.FILES.dict()})
    except RequestDataTooBig as error:
        raise _too_large() from error
    except (MultiPartParserError, SuspiciousOperation, UnreadablePostError, OSError) as error:
        raise Refused(400, "Could not parse the form data of the request body.") from error
    raise Refused(
        415,
        f"Unsupported content type: '{request.content_type}'. This API method accepts "
        "'application/json' and 'multipart/form-data' requests.",
        code="unsupported_content_type",
    )


def _declared_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _too_large() -> Refused:
    return Refused(
        413, f"Request body is larger than {BODY_LIMIT} bytes.", code="request_too_large"
    )


def _parse_json(body: bytes) -> dict[str, Any]:
    if len(body) > BODY_LIMIT:
        raise _too_large()
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "We could not parse the JSON body of your request.") from error
    if not isinstance(fields, dict):
        raise Refused(400, "The JSON body of your request must be an object.")
    return {name: value for name, value in fields.items() if value is not None}


def _fold_brackets(form: dict[str, Any]) -> dict[str, Any]:
    """Turn the SDKs' `input_reference[image_url]` fields into one nested object."""
    fields: dict[str, Any] = {}
    for name, value in form.items():
        if match := re.fullmatch(r"(\w+)\[(\w*)\](?:\[\w+\])?", name):
            nested = fields.setdefault(match[1], {})
            if isinstance(nested, dict):
                nested[match[2]] = value
        else:
            fields[name] = value
    return fields


def _refuse_unknown(fields: dict[str, Any], known: set[str]) -> None:
    for name in fields:
        if name not in known:
            shown = _printable(name)
            raise Refused(
                400, f"Unknown parameter: '{shown}'.", code="unknown_parameter", param=shown
            )


def _read_prompt(fields: dict[str, Any]) -> str:
    prompt = fields.get("prompt")
    if prompt is None:
        raise Refused(
            400,
            "Missing required parameter: 'prompt'.",
            code="missing_required_parameter",
            param="prompt",
        )
    if not isinstance(prompt, str):
        raise _wrong_type("prompt", "a string", prompt)
    if not prompt.strip() or len(prompt) > PROMPT_LIMIT or not _is_text(prompt):
        raise Refused(
            400,
            f"Invalid 'prompt': expected 1 to {PROMPT_LIMIT} characters of text.",
            code="invalid_value",
            param="prompt",
        )
    return prompt


def _is_text(text: str) -> bool:
    """Tell whether a string can be stored and printed: no NUL and no lone surrogate."""
    return "\0" not in text and _printable(text) == text


def _printable(text: str) -> str:
    return text.encode(errors="replace").decode()


def _choose(fields: dict[str, Any], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = fields.get(name, default)
    if name == "seconds" and type(value) is int:
        value = str(value) if 0 <= value < 1000 else "?"
    if not isinstance(value, str):
        raise _wrong_type(name, "a string", value)
    if value not in allowed:
        supported = ", ".join(f"'{word}'" for word in allowed)
        raise Refused(
            400,
            f"Invalid value: '{_printable(value)[:80]}'. Supported values are: {supported}.",
            code="invalid_value",
            param=name,
        )
    return value


def _wrong_type(param: str, expected: str, value: object) -> Refused:
    names = {str: "a string", bool: "a boolean", int: "an integer", float: "a decimal"}
    got = names.get(type(value), "an array" if isinstance(value, list) else "an object")
    return Refused(
        400,
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.",
        code="invalid_type",
        param=param,
    )


def _read_reference(fields: dict[str, Any], size: str) -> bytes | None:
    reference = fields.get("input_reference")
    if reference is None:
        return None
    if isinstance(reference, UploadedFile):
        data: bytes = reference.read()
    elif isinstance(reference, dict):
        data = _read_data_url(reference)
    else:
        raise _wrong_type("input_reference", "a file or an object", reference)
    _check_picture(data, size)
    return data


def _read_data_url(reference: dict[str, Any]) -> bytes:
    url = reference.get("image_url")
    if set(reference) != {"image_url"} or not isinstance(url, str):
        raise _bad_reference("The sandbox takes 'input_reference' as {'image_url': 'data:...'}.")
    head, comma, payload = url.partition(",")
    if not (comma and re.fullmatch(r"data:image/(jpeg|png|webp);base64", head)):
        raise _bad_reference("The sandbox fetches nothing: 'image_url' must be a base64 data URL.")
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad_reference("The base64 data of 'image_url' is invalid.") from error


def _check_picture(data: bytes, size: str) -> None:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as picture:
            # The header's size is compared first, so a decompression bomb is never decoded.
            fits = "{}x{}".format(*picture.size) == size
            if fits:
                picture.load()
    except Exception as error:  # Pillow's decoders raise whatever the damage caused
        raise _bad_reference("'input_reference' is not a readable JPEG, PNG or WebP.") from error
    if not fits:
        raise Refused(400, "Inpaint image must match the requested width and height")


def _bad_reference(message: str) -> Refused:
    return Refused(400, message, code="invalid_value", param="input_reference")
