"""Form-encoded bodies and queries: names nested in brackets, as a dict of dicts."""

import re
from typing import Any
from urllib.parse import parse_qsl

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError

from billing.sandbox.errors import ApiError

FIELDS_LIMIT = 2000
DEPTH_LIMIT = 8
NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")

Raw = Any  # a text, or a dict of names to raw values


def parse_body(request: HttpRequest) -> dict[str, Raw]:
    """Return the parameters of a POST body. Raises ApiError 400 or 413."""
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise ApiError(413, "The request body is too large.") from error
    except (UnreadablePostError, OSError) as error:
        raise ApiError(400, "The request body could not be read.") from error
    if body and request.content_type != "application/x-www-form-urlencoded":
        raise ApiError(
            400,
            "Invalid request (check that your POST content type is "
            "application/x-www-form-urlencoded).",
        )
    return parse(body)


def parse(text: str | bytes) -> dict[str, Raw]:
    """Parse `a[b][0]=c` into nested dicts. Raises ApiError 400."""
    try:
        words = text.decode() if isinstance(text, bytes) else text
        pairs = parse_qsl(
            words, keep_blank_values=True, max_num_fields=FIELDS_LIMIT, errors="strict"
        )
    except ValueError as error:
        raise ApiError(400, "Invalid request: the parameters could not be parsed.") from error
    tree: dict[str, Raw] = {}
    for name, value in pairs:
        _insert(tree, name, value)
    return tree


def _insert(tree: dict[str, Raw], name: str, value: str) -> None:
    match = NAME.fullmatch(name)
    path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])] if match else []
    if not path or len(path) > DEPTH_LIMIT or "\0" in name + value:
        raise ApiError(400, f"Invalid request: cannot read the parameter {name[:80]}.")
    branch = tree
    for step in path[:-1]:
        branch = branch.setdefault(step, {})
        if not isinstance(branch, dict):
            raise _value_and_hash(name)
    leaf = path[-1] or str(len(branch))
    if isinstance(branch.get(leaf), dict):
        raise _value_and_hash(name)
    branch[leaf] = value


def _value_and_hash(name: str) -> ApiError:
    return ApiError(400, f"Invalid request: {name[:80]} is used both as a value and as a hash.")
