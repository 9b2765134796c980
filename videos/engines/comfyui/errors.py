"""Errors of ComfyUI as ours: a workflow that it refuses, and one that failed while it ran."""

from collections.abc import Iterator, Mapping
from typing import Any

from videos.engines.errors import EngineError, InvalidRequest, Refused

OUT_OF_MEMORY = "engine_out_of_memory"
OUT_OF_MEMORY_WORDS = ("outofmemory", "out of memory", "allocation on device")
MAX_PROBLEMS = 5


def read_refusal(status: int, body: Any, text: str) -> EngineError | None:
    """The error of a workflow that was not accepted; it names the nodes at fault."""
    error = body.get("error") if isinstance(body, dict) else None
    if status != 400 or not error:
        return None
    if not isinstance(error, dict):
        return InvalidRequest(str(error))
    problems = list(_node_problems(body.get("node_errors")))[:MAX_PROBLEMS]
    said = [_text(error, "message"), *(problems or [_text(error, "details")])]
    return InvalidRequest(f"{_text(error, 'type')}: " + "; ".join(filter(None, said)))


def read_failure(status: Mapping[str, Any]) -> Refused:
    """Why a run failed, in a sentence for staff: never the traceback, which names their files."""
    event, data = _last_event(status)
    if event == "execution_interrupted":
        return Refused("the run was interrupted", code="upstream_cancelled")
    message = _text(data, "exception_message") or "the run failed"
    words = f"{_text(data, 'exception_type')} {message}".lower()
    is_memory = any(word in words for word in OUT_OF_MEMORY_WORDS)
    node = _text(data, "node_type")
    return Refused(
        f"{node}: {message}" if node else message,
        code=OUT_OF_MEMORY if is_memory else "generation_failed",
    )


def _node_problems(nodes: object) -> Iterator[str]:
    for node_id, node in nodes.items() if isinstance(nodes, dict) else ():
        errors = node.get("errors") if isinstance(node, dict) else None
        for error in errors if isinstance(errors, list) else ():
            if isinstance(error, dict):
                said = ": ".join(filter(None, (_text(error, "message"), _text(error, "details"))))
                yield f"node {node_id} ({_text(node, 'class_type')}): {said}"


def _last_event(status: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The event that ended a run, and its data; empty when there is none."""
    messages = status.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        match message:
            case ["execution_error" | "execution_interrupted" as event, dict(data)]:
                return event, data
    return "", {}


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    return value.strip()[:500] if isinstance(value, str) else ""
