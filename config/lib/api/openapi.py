"""Parts of the OpenAPI document that views of several apps name in `extend_schema`.

`config.api.schema` adds the answers that every operation has.
"""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from config.lib.api.serializers import (
    EnvelopeSerializer,
    ErrorSerializer,
    ValidationErrorSerializer,
)

DESCRIPTIONS = {
    206: "The part of the file that the Range header asks for",
    302: "The file is in a bucket: at a signed URL that is valid for an hour",
    304: "The file has not changed",
    400: "The request cannot be carried out; `code` says why",
    401: "Not signed in",
    402: "Not enough credits",
    403: "Not allowed",
    404: "Does not exist, or belongs to another user",
    409: "This Idempotency-Key was used for another request",
    410: "The engine no longer keeps the file",
    413: "The body is too large",
    415: "This content type is not accepted here",
    416: "The range lies outside the file",
    422: "A field is missing or invalid",
    429: "Too many requests; wait for the seconds in Retry-After",
    500: "The server or a service it needs failed",
    501: "Not built",
    502: "The engine does not give the file out",
    503: "Not available at the moment; try again later",
}
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="A repeated request with the same key is carried out once; kept for 24 hours.",
)


def errors(*codes: int) -> dict[int, OpenApiResponse]:
    """Return the responses of an operation for these status codes, with a JSON error body."""
    shapes = {code: ValidationErrorSerializer if code == 422 else ErrorSerializer for code in codes}
    return {code: OpenApiResponse(shapes[code], DESCRIPTIONS[code]) for code in codes}


def gateway_errors(*codes: int) -> dict[int, OpenApiResponse]:
    """Return the responses of an operation under /v1 for these status codes."""
    return {code: OpenApiResponse(EnvelopeSerializer, DESCRIPTIONS[code]) for code in codes}


def file_responses(media_type: str = "*/*") -> dict[Any, OpenApiResponse]:
    """Return the responses of an operation that answers with a file and reads Range headers."""
    return {
        (200, media_type): OpenApiResponse(OpenApiTypes.BINARY),
        (206, media_type): OpenApiResponse(OpenApiTypes.BINARY, DESCRIPTIONS[206]),
        302: OpenApiResponse(None, DESCRIPTIONS[302]),
        304: OpenApiResponse(None, DESCRIPTIONS[304]),
        416: OpenApiResponse(None, DESCRIPTIONS[416]),
    }


def request_example(body: Mapping[str, object]) -> list[OpenApiExample]:
    """Return the `examples` of an operation that has one example of a request body."""
    return [OpenApiExample("Example", dict(body), request_only=True)]
