"""A local server with the Gemini API's interactions, files and models.

Words in the prompt choose the outcome: BLOCK (completed without a video), FAIL, and URI (the video
is a file, else it is in the answer). An interaction is finished after `polls` polls.
"""

import base64
import json
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

from tests.engine_servers.json_server import Answer, Headers, JSONServer
from tests.engine_servers.loopback import serving

KEY = "gemini-key"
VIDEO = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 400
CREATED = "2026-11-05T10:00:00Z"


def error(status: int, message: str, word: str, *details: dict[str, Any]) -> Answer:
    """Google's error body."""
    found = {"code": status, "message": message, "status": word, "details": list(details)}
    return status, {"error": found}


def quota(*ids: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": id} for id in ids],
    }


WRONG_KEY = error(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT")
NOT_FOUND = error(404, "Interaction not found.", "NOT_FOUND")


class GeminiServer(JSONServer):
    """One account; `failing` answers all requests for interactions, `refusing` all submits."""

    def __init__(self) -> None:
        super().__init__()
        self.interactions: dict[str, dict[str, Any]] = {}
        self.polls_left: dict[str, int] = {}
        self.polls = 1
        self.failing: Answer | None = None
        self.refusing: Answer | None = None
        self.file_state = "ACTIVE"
        self.clip = VIDEO

    def answer_to(self, method: str, path: str, headers: Headers, body: Any) -> Answer:
        if headers.get("x-goog-api-key") != KEY:
            return WRONG_KEY
        _, _version, kind, *rest = urlsplit(path).path.split("/")
        if kind == "models":
            return 200, {"models": [{"name": "models/gemini-omni-1.2-flash"}]}
        if kind == "files":
            return self._answer_file(rest[0])
        if self.failing:
            return self.failing
        match method, rest:
            case "POST", []:
                return self.refusing or (200, self._create(body))
            case "GET", [id] if id in self.interactions:
                return 200, self._poll(id)
            case "POST", [id, "cancel"] if id in self.interactions:
                return self._cancel(id)
            case "DELETE", [id] if self.interactions.pop(id, None):
                return 200, {}
        return NOT_FOUND

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        self.jobs_made += 1
        id = f"v1_{self.jobs_made:04}"
        repeated = ("model", "labels", "webhook_config", "input")
        self.interactions[id] = {
            "id": id, "status": "in_progress", "created": CREATED, "updated": CREATED, "steps": [],
            **{key: body[key] for key in repeated if key in body},
        }  # fmt: skip
        self.polls_left[id] = self.polls
        return self._public(id)

    def _poll(self, id: str) -> dict[str, Any]:
        self.polls_left[id] -= 1
        if self.polls_left[id] < 0 and self.interactions[id]["status"] == "in_progress":
            self._finish(self.interactions[id])
        return self._public(id)

    def _public(self, id: str) -> dict[str, Any]:
        """An interaction as it is answered: without its input."""
        return {key: value for key, value in self.interactions[id].items() if key != "input"}

    def _finish(self, record: dict[str, Any]) -> None:
        prompt = json.dumps(record["input"])
        video: dict[str, Any] = {"type": "video", "mime_type": "video/mp4"}
        if "FAIL" in prompt:
            record["status"] = "failed"
            record["errors"] = [{"code": "internal", "message": "The model crashed."}]
            return
        if "URI" in prompt:
            video["uri"] = f"{self.url}/v1beta/files/abc123:download?alt=media"
        else:
            video["data"] = base64.b64encode(self.clip).decode()
        record["status"] = "completed"
        content = (
            [{"type": "text", "text": "I cannot show that."}] if "BLOCK" in prompt else [video]
        )
        record["steps"] = [{"type": "model_output", "content": content}]

    def _cancel(self, id: str) -> Answer:
        if self.interactions[id]["status"] != "in_progress":
            return error(400, "The interaction is not running.", "FAILED_PRECONDITION")
        self.interactions[id]["status"] = "cancelled"
        return 200, self._public(id)

    def _answer_file(self, name: str) -> Answer:
        if name == "abc123:download":
            return 200, self.clip
        if name == "abc123":
            return 200, {"name": "files/abc123", "state": self.file_state, "source": "GENERATED"}
        return error(404, "File not found.", "NOT_FOUND")


def running() -> AbstractContextManager[GeminiServer]:
    return serving(GeminiServer())
