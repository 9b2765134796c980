"""Read how far a running job is from ComfyUI's WebSocket; no call of its HTTP API tells it.

ComfyUI reports each step of a sampler at the moment it ends, to the client that submitted the job.
A poll therefore listens for a moment. What it misses is told by a later poll, and a job whose
server has no WebSocket is rendered without a percentage.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from websockets.sync.client import connect

from videos.engines import json_api
from videos.engines.comfyui.graphs import Graph

log = logging.getLogger(__name__)

# Previews of frames come between the reports, as binary messages.
MAX_BYTES = 16 * 1024 * 1024
OPEN_SECONDS = 2
CLOSE_SECONDS = 0.5
# What the samplers take; decoding and saving take the rest.
SAMPLING_PERCENT = 95
SAMPLER_INPUTS = ("latent_image", "steps", "sigmas")


def listen(
    base_url: str, headers: Mapping[str, str], job_id: str, graph: Graph, seconds: float
) -> float | None:
    """Return the first percentage that the server reports within `seconds`; None without one.

    Never raises.
    """
    if not samplers_in(graph):
        return None
    until = time.monotonic() + seconds
    url = f"{base_url}/ws?clientId={quote(job_id, safe='')}".replace("http", "ws", 1)
    try:
        with connect(
            url,
            additional_headers=headers,
            user_agent_header="Firstlight",
            ssl=json_api.trusted_authorities() if url.startswith("wss:") else None,
            compression=None,
            open_timeout=OPEN_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_size=MAX_BYTES,
        ) as socket:
            while (left := until - time.monotonic()) > 0:
                message = socket.recv(left)
                if isinstance(message, str):
                    found = percent_in(json_api.parse_object(message), job_id, graph)
                    if found is not None:
                        return found
    except TimeoutError:
        pass  # no step ended meanwhile
    except Exception as error:  # a poll must not fail because of its percentage
        log.debug("no progress of %s: %s", job_id, error)
    return None


def samplers_in(graph: Graph) -> set[str]:
    """The nodes that take most of the time, step by step."""
    return {
        node_id
        for node_id, node in graph.items()
        if "Sampler" in node["class_type"] and any(key in node["inputs"] for key in SAMPLER_INPUTS)
    }


def percent_in(message: Mapping[str, Any], job_id: str, graph: Graph) -> float | None:
    """The percentage that a message of the server means; None if it tells nothing of this job."""
    match message:
        case {"type": "progress_state", "data": {"prompt_id": str(about), "nodes": dict(nodes)}}:
            pass
        case {"type": "progress", "data": {"prompt_id": str(about), "node": str(node)} as state}:
            nodes = {node: state}
        case _:
            return None
    if about != job_id:
        return None
    samplers = samplers_in(graph)
    done = [
        len(_nodes_before(node_id, graph) & samplers) + share
        for node_id, state in nodes.items()
        if node_id in samplers and (share := _share(state)) is not None
    ]
    return SAMPLING_PERCENT * max(done) / len(samplers) if done else None


def _share(state: object) -> float | None:
    """How much of its steps a node has done, from 0 to 1."""
    match state:
        case {"state": "pending" | "error"}:
            return None
        case {"value": int() | float() as value, "max": int() | float() as most} if most > 0:
            return min(max(value / most, 0.0), 1.0)
    return None


def _nodes_before(node_id: str, graph: Graph) -> set[str]:
    """The nodes whose outputs a node needs, directly or through others."""
    found, waiting = set[str](), [node_id]
    while waiting:
        for value in graph[waiting.pop()]["inputs"].values():
            match value:
                case [str(source), int()] if source in graph and source not in found:
                    found.add(source)
                    waiting.append(source)
    return found
