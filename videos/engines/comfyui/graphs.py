"""Workflows in ComfyUI's API format: read them from files, and fill their placeholders.

A workflow is an object of nodes by id, each with its class and inputs. An input that is one
placeholder, such as "{{seed}}", becomes the value itself; a placeholder inside a longer text is
written into it. Values are never read again, so what a user writes is no placeholder.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from config.lib import strict_json
from videos.engines.errors import InvalidRequest

Graph = dict[str, dict[str, Any]]

SHIPPED = Path(__file__).parent / "workflows"
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.json")
PLACEHOLDER = re.compile(r"\{\{ *([a-z][a-z0-9_]*) *\}\}")
MAX_BYTES = 4 * 1024 * 1024


def load(name: str, folder: str) -> Graph:
    """Return the workflow of this file name, from the operator's folder or else from ours.

    Raises InvalidRequest when there is none, or when it is not in the API format.
    """
    try:
        found = strict_json.loads(_find(name, folder).read_bytes()[:MAX_BYTES])
    except OSError as error:
        raise InvalidRequest(f"workflow {name} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"workflow {name} is not JSON: {error}") from error
    if not isinstance(found, dict) or not found or not all(map(is_node, found.values())):
        raise InvalidRequest(
            f"workflow {name} is not in the API format: use Export (API) in ComfyUI"
        )
    return found


def names_in(graph: Graph) -> set[str]:
    """The names of all placeholders in a workflow."""
    texts = (text for node in graph.values() for text in _texts(node["inputs"]))
    return {match[1] for text in texts for match in PLACEHOLDER.finditer(text)}


def fill(graph: Graph, values: Mapping[str, Any]) -> Graph:
    """The workflow with its placeholders filled. Raises KeyError for one without a value."""
    return {
        node_id: {**node, "inputs": _fill(node["inputs"], values)}
        for node_id, node in graph.items()
    }


def _find(name: str, folder: str) -> Path:
    if not FILE_NAME.fullmatch(name):
        raise InvalidRequest(f"{name!r} is not the file name of a workflow")
    own = Path(folder) / name
    return own if folder and own.is_file() else SHIPPED / name


def is_node(node: object) -> bool:
    return (
        isinstance(node, dict)
        and isinstance(node.get("class_type"), str)
        and isinstance(node.get("inputs"), dict)
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _fill(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, values) for inner in value]
    if not isinstance(value, str):
        return value
    if whole := PLACEHOLDER.fullmatch(value):
        return values[whole[1]]
    return PLACEHOLDER.sub(lambda match: str(values[match[1]]), value)
