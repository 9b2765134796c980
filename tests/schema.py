"""Whether an answer is what the API's schema says it is."""

import re
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

# A method that is not there, an Accept that asks for no JSON: not for each call to describe.
HTTPS_OWN = {405, 406}


@cache
def document() -> dict[str, Any]:
    """The schema, as /api/schema answers it."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    # What is spelt out comes before what stands for many, as in the addresses themselves.
    paths = sorted(document()["paths"], key=lambda path: (path.count("{"), path))
    return [(re.compile(re.sub(r"{\w+}", "[^/]+", path)), path) for path in paths]


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """What the schema says of a call; None for an address it does not know."""
    known = [template for pattern, template in _patterns() if pattern.fullmatch(path)]
    found = [document()["paths"][template].get(method.lower()) for template in known]
    return next((operation for operation in found if operation), None)


@cache
def _validator(reference: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": reference, "components": document()["components"]})


def complaints(method: str, path: str, status: int, kind: str, body: Any) -> list[str]:
    """What is wrong with an answer, by the schema; nothing for addresses it does not know."""
    operation = operation_of(method, path)
    if operation is None or status in HTTPS_OWN:
        return []
    described = operation["responses"].get(str(status))
    if described is None:
        return [f"{method} {path} answered the undocumented status {status}"]
    shape = described.get("content", {}).get("application/json", {}).get("schema", {})
    if not kind.startswith("application/json") or "$ref" not in shape:
        return []
    errors = _validator(shape["$ref"]).iter_errors(body)
    return [f"{method} {path} {status}: {error.json_path} {error.message}" for error in errors]
