"""Bodies of the Videos API: JSON, multipart or form-encoded, as one dict of fields."""

import json
import re
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from videos.sandbox.http.errors import ApiError

BODY_LIMIT = 25 * 1024 * 1024


def read_body(request: HttpRequest) -> dict[str, Any]:
    """Return the fields of a body. Raises ApiError 400, 413 or 415."""
    if _declared_length(request) > BODY_LIMIT:
        raise _too_large()
    try:
        if request.content_type == "application/json":
            return _parse_json(request.read(BODY_LIMIT + 1))
        if request.content_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
            files = {name: sent[0] if len(sent) == 1 else sent for name, sent in _files(request)}
            return _fold_brackets({**request.POST.dict(), **files})
    except RequestDataTooBig as error:
        raise _too_large() from error
    except (MultiPartParserError, SuspiciousOperation, UnreadablePostError, OSError) as error:
        raise ApiError(400, "Could not parse the form data of the request body.") from error
    raise ApiError(
        415,
        f"Unsupported content type: '{request.content_type}'. This API method accepts "
        "'application/json' and 'multipart/form-data' requests.",
        code="unsupported_content_type",
    )


def _files(request: HttpRequest) -> Iterable[tuple[str, list[Any]]]:
    found: Iterable[tuple[str, list[Any]]] = request.FILES.lists()
    return found


def _declared_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _too_large() -> ApiError:
    return ApiError(
        413, f"Request body is larger than {BODY_LIMIT} bytes.", code="request_too_large"
    )


def _parse_json(body: bytes) -> dict[str, Any]:
    if len(body) > BODY_LIMIT:
        raise _too_large()
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, "We could not parse the JSON body of your request.") from error
    if not isinstance(fields, dict):
        raise ApiError(400, "The JSON body of your request must be an object.")
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
