"""Errors of views under /v1: the documented answers of the API, in the words of OpenAI.

Validation errors become 400, too few credits become 429 `insufficient_quota`.
"""

import re
from typing import Any

from rest_framework.response import Response

from config.lib.api import envelope

# The parameter that an error without a field is about.
PARAM_OF = {
    "bad_image": "input_reference",
    "bad_image_url": "input_reference",
    "too_large": "input_reference",
    "moderation_blocked": "prompt",
    "bad_webhook_url": "webhook_url",
}
CODE_OF = {
    "not_offered": "invalid_value",
    "bad_idempotency_key": "invalid_idempotency_key",
    "idempotency_mismatch": "idempotency_key_reused",
}
CODE_OF_TYPE = {
    "value_error.missing": "missing_required_parameter",
    "type_error.none.not_allowed": "missing_required_parameter",
    "value_error.invalid_type": "invalid_type",
    "value_error.not_supported": "not_supported",
}


def translate(response: Response) -> Response:
    """Return the answer under /v1 that stands for an answer of the API to an exception."""
    native: dict[str, Any] = response.data
    if response.status_code == 402 or _is_out_of_key_credits(native):
        return _out_of_credits(response)
    if response.status_code == 422:
        response.status_code = 400
    detail, status = native["detail"], response.status_code
    if isinstance(detail, list):
        response.data = _validation(detail[0])
    elif status == 401:
        response.data = envelope.body(401, "Incorrect API key provided.")
    else:
        code = native.get("code")
        response.data = envelope.body(
            status,
            str(detail),
            code=CODE_OF.get(code, code) if code else None,
            param=native.get("field") or PARAM_OF.get(code or ""),
        )
    if status in envelope.NOT_RETRYABLE:
        response["x-should-retry"] = "false"
    return response


def _is_out_of_key_credits(native: dict[str, Any]) -> bool:
    return native.get("code") == "key_limit" and native.get("field") == "credits"


def _out_of_credits(response: Response) -> Response:
    """Return the answer to an order that nobody can pay; SDKs do not repeat it."""
    kind = "insufficient_quota"
    response.data = envelope.body(429, str(response.data["detail"]), code=kind, type=kind)
    response.status_code = 429
    response["x-should-retry"] = "false"
    return response


def _validation(error: dict[str, Any]) -> dict[str, Any]:
    """Return the body for the first of the errors that a serializer found."""
    param = _param(error["loc"][1:])
    code = CODE_OF_TYPE.get(error["type"], "invalid_value")
    message = str(error["msg"])
    if code == "missing_required_parameter" and param:
        message = f"Missing required parameter: '{param}'."
    elif param:
        message = f"Invalid '{param}': {message}"
    return envelope.body(400, message, code=code, param=param)


def _param(places: list[str | int]) -> str | None:
    """Return the name of a parameter as OpenAI writes it: `input_reference.image_url`."""
    joined = ".".join(map(str, places))
    return re.sub(r"\.(\d+)", r"[\1]", joined) or None
