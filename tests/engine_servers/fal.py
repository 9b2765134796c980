"""fal's queue, file storage, platform API and signed callbacks, in one local server.

A job moves on by one state each time it is polled. Words in its prompt say how it ends: BLOCK,
INVALID, FAIL, CRASH and EMPTY; `faults` holds answers to be given in place of an operation's own.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.engine_servers.loopback import Answer, LoopbackServer, Request

KEY = "fal-key"
CLIP = b"\0\0\0\x18ftypisom" + b"m" * 1000
NOT_FOUND: Answer = (404, {"detail": "Not found"})
UNKNOWN_MODEL: Answer = (404, {"detail": 'Application "nobody" not found'})
LOCKED: Answer = (
    403,
    {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai."},
)
STATES = ("IN_QUEUE", "IN_PROGRESS", "COMPLETED")
BLOCKED_ENTRY = {
    "loc": ["body", "prompt"],
    "msg": "The content could not be processed because it was flagged by a content checker.",
    "type": "content_policy_violation",
    "url": "https://docs.fal.ai/errors#content_policy_violation",
    "input": "BLOCK",
}
INVALID_ENTRY = {"loc": ["body", "duration"], "msg": "unexpected value", "type": "literal_error"}
JOB = re.compile(r"/queue/(?P<app>.+)/requests/(?P<id>[^/]+)(?P<rest>/status|/cancel|)")


class FalServer(LoopbackServer):
    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, bytes] = {}
        self.faults: dict[str, Answer] = {}
        self.clip = CLIP
        self.signing_key = Ed25519PrivateKey.generate()
        self.queue_url, self.rest_url = f"{self.url}/queue", f"{self.url}/rest"
        self.api_url = f"{self.url}/api/v1"
        self.jwks_url = f"{self.rest_url}/.well-known/jwks.json"

    def answer(self, request: Request) -> Answer:
        name, answer = self._route(request)
        return self.faults.get(name) or answer()

    def callback(self, job_id: str, **changes: str) -> tuple[dict[str, str], bytes]:
        """The headers and the body of the callback about a job, signed."""
        body = json.dumps({"request_id": job_id, "gateway_request_id": job_id, "status": "OK"})
        return self.signed(body.encode(), **changes), body.encode()

    def signed(self, body: bytes, **changes: str) -> dict[str, str]:
        sent_at = changes.get("sent_at") or str(int(datetime.now(UTC).timestamp()))
        parts = ["request-1", "user-1", sent_at, hashlib.sha256(body).hexdigest()]
        signature = self.signing_key.sign("\n".join(parts).encode()).hex()
        return {
            "X-Fal-Webhook-Request-Id": parts[0],
            "X-Fal-Webhook-User-Id": parts[1],
            "X-Fal-Webhook-Timestamp": sent_at,
            "X-Fal-Webhook-Signature": signature,
        }

    def _route(self, request: Request) -> tuple[str, Callable[[], Answer]]:
        found = JOB.fullmatch(request.path)
        key_is_right = request.headers.get("authorization") == f"Key {KEY}"
        match request.method, request.path:
            case "GET", "/rest/.well-known/jwks.json":
                return "jwks", self._jwks
            case "GET", path if path.startswith("/files/"):
                return "file", lambda: (200, self.clip)
            case "POST", "/cdn/files/upload":
                return "upload", lambda: self._upload(request)
            case _ if not key_is_right:
                return "key", lambda: (401, {"detail": "Cannot access application."})
            case "POST", "/rest/storage/auth/token":
                return "token", self._token
            case "GET", "/api/v1/models/requests/by-endpoint":
                return "list", lambda: self._list(request)
            case "DELETE", path if path.startswith("/api/v1/models/requests/"):
                return "payloads", lambda: self._delete_payloads(path.split("/")[-2])
            case "POST", path if path.startswith("/queue/"):
                return "submit", lambda: self._submit(request, path.removeprefix("/queue/"))
            case _ if found:
                name = found["rest"].strip("/") or "result"
                return name, lambda: self._about_job(request.method, name, found)
        return "unknown", lambda: NOT_FOUND

    def _submit(self, request: Request, model: str) -> Answer:
        if model.startswith("nobody/"):
            return UNKNOWN_MODEL
        job_id = f"0190aaaa-0000-4000-8000-{len(self.jobs):012}"
        self.jobs_made += 1
        app = "/".join(model.split("/")[:2])
        self.jobs[job_id] = {
            "model": model, "app": app, "input": request.json, "polls": 0, "stored": True,
            "sent_at": datetime.now(UTC).isoformat(),
            "webhook": request.query.get("fal_webhook", ""),
        }  # fmt: skip
        address = f"{self.queue_url}/{app}/requests/{job_id}"
        return 200, {
            "status": "IN_QUEUE", "queue_position": 2, "request_id": job_id,
            "gateway_request_id": job_id, "response_url": address,
            "status_url": f"{address}/status", "cancel_url": f"{address}/cancel",
        }  # fmt: skip

    def _about_job(self, method: str, name: str, found: re.Match[str]) -> Answer:
        job = self.jobs.get(found["id"])
        if not job or job["app"] != found["app"]:
            return (404, {"status": "NOT_FOUND"}) if name == "cancel" else NOT_FOUND
        if name == "cancel" and method == "PUT":
            return self._cancel(job)
        if name == "status" and method == "GET":
            return self._status(job)
        return self._result(job)

    def _status(self, job: dict[str, Any]) -> Answer:
        state = STATES[min(job["polls"], 2)]
        job["polls"] += 1
        answer: dict[str, Any] = {"status": state, "logs": None}
        if state == "IN_QUEUE":
            answer["queue_position"] = 0
        if state == "COMPLETED":
            answer["metrics"] = {"inference_time": 31.4}
            if "FAIL" in job["input"]["prompt"]:
                answer |= {"error": "The runner vanished", "error_type": "runner_disconnected"}
        return (200 if state == "COMPLETED" else 202), answer

    def _result(self, job: dict[str, Any]) -> Answer:
        prompt = job["input"]["prompt"]
        if job["polls"] < 2:
            return 400, {"detail": "Request is still in progress"}
        if not job["stored"]:
            return NOT_FOUND
        if "BLOCK" in prompt:
            return 422, {"detail": [BLOCKED_ENTRY]}
        if "INVALID" in prompt:
            return 422, {"detail": [INVALID_ENTRY]}
        if "FAIL" in prompt:
            headers = {"X-Fal-Error-Type": "runner_disconnected"}
            said = {"detail": "The runner vanished", "error_type": "runner_disconnected"}
            return 503, said, headers
        if "CRASH" in prompt:
            return 500, {"detail": "Internal Server Error"}
        if "EMPTY" in prompt:
            return 200, {"video": None, "seed": 1}
        file = {"url": f"{self.url}/files/clip.mp4", "content_type": "video/mp4"}
        return 200, {"video": file, "seed": 1}

    def _cancel(self, job: dict[str, Any]) -> Answer:
        if job["polls"] > 2:
            return 400, {"status": "ALREADY_COMPLETED"}
        job["polls"] = 3
        return 202, {"status": "CANCELLATION_REQUESTED"}

    def _delete_payloads(self, job_id: str) -> Answer:
        if job_id not in self.jobs:
            return NOT_FOUND
        self.jobs[job_id]["stored"] = False
        return 200, {"cdn_delete_results": []}

    def _list(self, request: Request) -> Answer:
        """The requests of a model, two a page; inputs are listed only when asked for."""
        start = int(request.query.get("cursor") or 0)
        wanted = [
            {
                "request_id": job_id, "endpoint_id": job["model"], "sent_at": job["sent_at"],
                "started_at": job["sent_at"],
                **({"json_input": job["input"]} if request.query.get("expand") else {}),
            }
            for job_id, job in self.jobs.items()
            if job["model"] == request.query["endpoint_id"]
        ]  # fmt: skip
        more = start + 2 < len(wanted)
        items = wanted[start : start + 2]
        return 200, {
            "items": items,
            "has_more": more,
            "next_cursor": str(start + 2) if more else None,
        }

    def _token(self) -> Answer:
        return 200, {
            "token": "upload-token", "token_type": "Bearer", "base_url": f"{self.url}/cdn",
            "expires_at": "2099-01-01T00:00:00+00:00",
        }  # fmt: skip

    def _upload(self, request: Request) -> Answer:
        if request.headers.get("authorization") != "Bearer upload-token":
            return 401, {"detail": "Unauthorized"}
        url = f"{self.url}/files/upload-{len(self.uploads)}.png"
        self.uploads[url] = request.body
        return 200, {"access_url": url}

    def _jwks(self) -> Answer:
        raw = self.signing_key.public_key().public_bytes_raw()
        x = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        return 200, {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]}
