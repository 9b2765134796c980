"""Replicate's predictions, files, account and signed webhooks, in one local server.

A prediction moves on by one status each time it is read. Words in its prompt say how it ends:
BLOCK, FAIL and EMPTY; `faults` holds answers to be given in place of an operation's own.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

from tests.engine_servers.loopback import Answer, LoopbackServer, Request

KEY = "r8-key"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CLIP = b"\0\0\0\x18ftypisom" + b"m" * 1000
NOT_FOUND: Answer = (
    404,
    {"title": "Not found", "detail": "The requested resource could not be found.", "status": 404},
)
NO_CREDIT: Answer = (
    402,
    {"title": "Insufficient credit", "detail": "Go to billing to add credit.", "status": 402},
)
THROTTLED: Answer = (
    429,
    {"detail": "Request was throttled. Your rate limit resets in ~30s.", "status": 429},
)
STATUSES = ("starting", "processing", "succeeded")
FAILURES = {"BLOCK": "The input was flagged as sensitive. (E005)", "FAIL": "Out of memory (E1001)"}
LOGS = "Using seed: 7\n 10%|#         | 2/20 [00:01<00:09]\n 45%|####      | 9/20 [00:04<00:05]\n"
ENDED = {"succeeded", "failed", "canceled", "aborted"}
PREDICTION = re.compile(r"/v1/predictions/(?P<id>[^/]+)(?P<cancel>/cancel|)")
MODEL = re.compile(r"/v1/models/(?P<name>[^/]+/[^/]+)/predictions")


class ReplicateServer(LoopbackServer):
    page_size = 2

    def __init__(self) -> None:
        super().__init__()
        self.predictions: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, Answer] = {}
        self.clip = CLIP
        self.api_url = f"{self.url}/v1"

    def answer(self, request: Request) -> Answer:
        name, answer = self._route(request)
        return self.faults.get(name) or answer()

    def signed(self, body: bytes, at: datetime | None = None) -> dict[str, str]:
        """The headers of a webhook with this body."""
        at = at or datetime.now(UTC)
        return {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(SECRET).sign("msg_1", at, body.decode()),
        }

    def remove_data(self, job_id: str) -> None:
        """What Replicate does one hour after a prediction has ended."""
        removed = {"data_removed": True, "input": {}, "output": None, "logs": ""}
        self.predictions[job_id] |= removed

    def _route(self, request: Request) -> tuple[str, Callable[[], Answer]]:
        if request.method == "GET" and request.path.startswith("/delivery/"):
            return "file", lambda: (200, self.clip)
        if request.headers.get("authorization") != f"Bearer {KEY}":
            detail = "You did not pass a valid authentication token"
            return "key", lambda: (401, {"title": "Unauthenticated", "detail": detail})
        model, one = MODEL.fullmatch(request.path), PREDICTION.fullmatch(request.path)
        match request.method, request.path:
            case "GET", "/v1/account":
                said = {"type": "user", "username": "ours", "name": "Ours", "github_url": None}
                return "account", lambda: (200, said)
            case "GET", "/v1/webhooks/default/secret":
                return "secret", lambda: (200, {"key": SECRET})
            case "POST", "/v1/files":
                return "upload", lambda: self._upload(request)
            case "GET", "/v1/predictions":
                return "list", lambda: self._list(request)
            case "POST", _ if model:
                return "submit", lambda: self._submit(request, model["name"])
            case "POST", _ if one and one["cancel"]:
                return "cancel", lambda: self._cancel(one["id"])
            case "GET", _ if one and not one["cancel"]:
                return "get", lambda: self._get(one["id"])
        return "unknown", lambda: NOT_FOUND

    def _submit(self, request: Request, model: str) -> Answer:
        if model.startswith("nobody/"):
            return NOT_FOUND
        if "prompt" not in request.json["input"]:
            said = {"title": "Input validation failed", "detail": "- input: prompt is required\n"}
            return 422, {**said, "status": 422, "invalid_fields": [{"field": "prompt"}]}
        job_id = f"gm3qorzdhgbfurvjtvhg6d{len(self.predictions):04}"
        self.jobs_made += 1
        address = f"{self.api_url}/predictions/{job_id}"
        self.predictions[job_id] = {
            "id": job_id, "model": model, "version": "hidden", "status": "starting",
            "input": request.json["input"], "output": None, "error": None, "logs": "",
            "created_at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "started_at": None, "completed_at": None, "data_removed": False, "source": "api",
            "metrics": {}, "urls": {"get": address, "cancel": f"{address}/cancel"},
        }  # fmt: skip
        return 201, self.predictions[job_id]

    def _get(self, job_id: str) -> Answer:
        found = self.predictions.get(job_id)
        if not found:
            return NOT_FOUND
        answer = dict(found)
        if found["status"] not in ENDED:
            self._move_on(found)
        return 200, answer

    def _move_on(self, found: dict[str, Any]) -> None:
        found["status"] = STATUSES[STATUSES.index(found["status"]) + 1]
        found["logs"] = LOGS
        if found["status"] == "processing":
            return
        found["completed_at"] = datetime.now(UTC).isoformat()
        failure = next(
            (FAILURES[word] for word in FAILURES if word in found["input"]["prompt"]), ""
        )
        if failure:
            found |= {"status": "failed", "error": failure}
        elif "EMPTY" not in found["input"]["prompt"]:
            found["output"] = f"{self.url}/delivery/{found['id']}.mp4"

    def _cancel(self, job_id: str) -> Answer:
        found = self.predictions.get(job_id)
        if not found:
            return NOT_FOUND
        if found["status"] not in ENDED:
            found |= {"status": "canceled", "completed_at": datetime.now(UTC).isoformat()}
        return 200, found

    def _list(self, request: Request) -> Answer:
        """The newest first, a few a page."""
        start = int(request.query.get("cursor") or 0)
        newest_first = list(reversed(self.predictions.values()))
        end = start + self.page_size
        more = end < len(newest_first)
        url = f"{self.api_url}/predictions?cursor={end}" if more else None
        return 200, {"next": url, "previous": None, "results": newest_first[start:end]}

    def _upload(self, request: Request) -> Answer:
        file_id = f"file-{len(self.files)}"
        address = f"{self.api_url}/files/{file_id}"
        self.files[address] = request.body
        return 201, {
            "id": file_id, "name": "boat.png", "content_type": "image/png", "etag": "e",
            "size": len(request.body), "checksums": {}, "metadata": {},
            "created_at": "2026-11-29T00:00:00Z", "expires_at": "2026-11-30T00:00:00Z",
            "urls": {"get": address},
        }  # fmt: skip
