"""Validation of answers against the API's schema."""

import re
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator, FormatChecker

# A time of an answer has whole seconds and ends in Z, which is stricter than the format.
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time")  # type: ignore[untyped-decorator]
def _is_documented_time(value: object) -> bool:
    documented = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    return not isinstance(value, str) or re.fullmatch(documented, value) is not None


# Unknown method and unsupported Accept header: not described for each operation.
STATUSES_OF_EVERY_CALL = {405, 406}


@cache
def document() -> dict[str, Any]:
    """Return the schema as /api/schema answers it."""
    generated: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return generated


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    # Literal paths come before paths with parameters, as in the URL configuration.
    paths = sorted(document()["paths"], key=lambda path: (path.count("{"), path))
    return [(re.compile(re.sub(r"{\w+}", "[^/]+", path)), path) for path in paths]


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """Return the operation of a call, or None for a path that is not in the schema."""
    known = [template for pattern, template in _patterns() if pattern.fullmatch(path)]
    found = [document()["paths"][template].get(method.lower()) for template in known]
    return next((operation for operation in found if operation), None)


def resolved(response: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a response, or the shared one that it refers to."""
    if response is None or "$ref" not in response:
        return response
    found: dict[str, Any] = document()["components"]["responses"]
    shared: dict[str, Any] = found[response["$ref"].rpartition("/")[2]]
    return shared


@cache
def _validator(reference: str) -> Draft202012Validator:
    described = {"$ref": reference, "components": document()["components"]}
    return Draft202012Validator(described, format_checker=FORMATS)


def violations(method: str, path: str, status: int, content_type: str, body: Any) -> list[str]:
    """Return how an answer violates the schema; nothing for paths that are not in the schema."""
    operation = operation_of(method, path)
    if operation is None or status in STATUSES_OF_EVERY_CALL:
        return []
    response = resolved(operation["responses"].get(str(status)))
    if response is None:
        return [f"{method} {path} answered the undocumented status {status}"]
    body_schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    if not content_type.startswith("application/json") or "$ref" not in body_schema:
        return []
    errors = _validator(body_schema["$ref"]).iter_errors(body)
    return [f"{method} {path} {status}: {error.json_path} {error.message}" for error in errors]
