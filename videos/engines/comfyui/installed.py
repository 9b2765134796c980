"""Compare workflows with what is installed at a ComfyUI server: its nodes and model files."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from videos.engines.comfyui.graphs import PLACEHOLDER, Graph

# From the class of a node: what the server says about it, empty when it has no such node.
DescribeNode = Callable[[str], Mapping[str, Any]]


def find_missing(graph: Graph, describe: DescribeNode) -> Iterator[str]:
    """What a workflow names and the server does not have, each in a sentence."""
    for node_id, node in graph.items():
        kind = node["class_type"]
        described = describe(kind)
        if not described:
            yield f"it has no node {kind}"
            continue
        for name, value in node["inputs"].items():
            known = _choices(described, name)
            if known is None or not _is_constant(value) or value in known:
                continue
            yield f"{name} of node {node_id} ({kind}) is {value}, which is not there"


def _is_constant(value: Any) -> bool:
    return isinstance(value, str) and not PLACEHOLDER.search(value)


def _choices(described: Mapping[str, Any], name: str) -> list[Any] | None:
    """The values that an input can have; None when it is not a choice.

    ComfyUI describes a choice by the list itself, or by "COMBO" with the list among its options.
    """
    inputs = described.get("input")
    for group in inputs.values() if isinstance(inputs, dict) else ():
        match group.get(name) if isinstance(group, dict) else None:
            case [list(values), *_]:
                return values
            case ["COMBO", {"options": list(values)}, *_]:
                return values
    return None
