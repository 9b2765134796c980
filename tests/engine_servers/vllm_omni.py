"""A local server with vLLM-Omni's video API: multipart orders for the one model that it serves.

Written from vllm_omni/entrypoints/openai: protocol/videos.py, api_server.py.
"""

import time
from contextlib import AbstractContextManager
from email import message_from_bytes
from typing import Any
from urllib.parse import urlsplit

from tests.engine_servers.json_server import Answer, Headers, JSONServer
from tests.engine_servers.loopback import serving

VIDEO = b"\0\0\0\x18ftypisom vllm"
STATUSES = {"queued": "in_progress", "in_progress": "completed", "completed": "completed"}


class VLLMOmniServer(JSONServer):
    """A video moves on by one status each time that it is read."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self.model = model
        self.clip = VIDEO
        self.videos: dict[str, dict[str, Any]] = {}

    def answer_to(self, method: str, path: str, headers: Headers, body: Any) -> Answer:
        match method, urlsplit(path).path.removeprefix("/v1/").split("/"):
            case "GET", ["models"]:
                return 200, {"object": "list", "data": [{"id": self.model, "object": "model"}]}
            case "POST", ["videos"]:
                return self._create(_read_form(headers["content-type"], body))
            case "GET", ["videos", id] if id in self.videos:
                shown = dict(self.videos[id])
                self.videos[id]["status"] = STATUSES[shown["status"]]
                return 200, shown
            case "GET", ["videos", id, "content"] if id in self.videos:
                return 200, self.clip
            case "DELETE", ["videos", id] if self.videos.pop(id, None):
                return 200, {"id": id, "object": "video.deleted", "deleted": True}
        return 404, {"detail": "Video not found"}

    def _create(self, form: dict[str, str]) -> Answer:
        if form["model"] != self.model:
            return 400, {"detail": f"The model `{form['model']}` does not exist."}
        self.jobs_made += 1
        id = f"video_gen_{self.jobs_made:032x}"
        self.videos[id] = {
            "id": id, "object": "video", "status": "queued", "progress": 0,
            "created_at": int(time.time()),
            **{name: form[name] for name in ("model", "prompt", "size", "seconds")},
        }  # fmt: skip
        return 200, self.videos[id]


def running(model: str) -> AbstractContextManager[VLLMOmniServer]:
    return serving(VLLMOmniServer(model))


def _read_form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a multipart form that are texts."""
    form: Any = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    parts = {
        part.get_param("name", header="content-disposition"): part for part in form.get_payload()
    }
    return {name: part.get_payload() for name, part in parts.items() if not part.get_filename()}
