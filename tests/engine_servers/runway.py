"""A local server with Runway's API: tasks, uploads and the account.

A task takes one poll for each of THROTTLED and RUNNING. Words in the prompt choose the outcome:
BLOCK and FAIL; `failing` is answered to every submit while it is set.
"""

from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

from tests.engine_servers.json_server import Answer, Headers, JSONServer
from tests.engine_servers.loopback import serving

KEY = "runway-key"
VERSION = "2024-11-06"
VIDEO = b"\0\0\0\x18ftypisom runway"
CREATED = "2026-11-05T10:00:00.000Z"
ID = "17f20503-6c24-4c16-946b-35dbbce2af2f"
CREDITS = 60
FAILURES = {
    "BLOCK": {"failureCode": "SAFETY.INPUT.TEXT", "failure": "Your prompt was rejected."},
    "FAIL": {"failureCode": "INTERNAL.BAD_OUTPUT.CODE01", "failure": "An error occurred."},
}

WRONG_KEY: Answer = (401, {"error": "The API key is not valid."})
NO_VERSION: Answer = (401, {"error": "The X-Runway-Version header is missing."})
NOT_FOUND: Answer = (404, {"error": "Task not found."})
NO_CREDITS: Answer = (400, {"error": "You do not have enough credits to run this task."})
BUSY: Answer = (429, {"error": "Too many requests."})


class RunwayServer(JSONServer):
    """One account with a balance of credits."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks: dict[str, dict[str, Any]] = {}
        self.balance = 1000
        self.failing: Answer | None = None
        self.clip = VIDEO

    def answer_to(self, method: str, path: str, headers: Headers, body: Any) -> Answer:
        if path.startswith("/storage/"):
            return 200, self.clip
        if headers.get("authorization") != f"Bearer {KEY}":
            return WRONG_KEY
        if headers.get("x-runway-version") != VERSION:
            return NO_VERSION
        match method, path.removeprefix("/v1/").split("/"):
            case "POST", ["text_to_video" | "image_to_video"]:
                return self.failing or (200, self._create(body))
            case "POST", ["uploads"]:
                return 200, self._start_upload(body)
            case "GET", ["organization"]:
                tier = {"maxMonthlyCreditSpend": 0, "models": {}}
                usage: dict[str, Any] = {"models": {}}
                return 200, {"creditBalance": self.balance, "tier": tier, "usage": usage}
            case "GET", ["tasks", id] if id in self.tasks:
                return 200, self._poll(self.tasks[id])
            case "DELETE", ["tasks", id] if self.tasks.pop(id, None):
                return 204, b""
        return NOT_FOUND

    def _create(self, body: dict[str, Any]) -> dict[str, Any]:
        estimated = {"credits": CREDITS}
        self.jobs_made += 1
        id = ID if self.jobs_made == 1 else str(uuid4())
        self.tasks[id] = {
            "id": id, "status": "PENDING", "createdAt": CREATED,
            "prompt": body.get("promptText", ""), "estimatedCost": estimated,
        }  # fmt: skip
        return {"id": id, "estimatedCost": estimated}

    def _poll(self, task: dict[str, Any]) -> dict[str, Any]:
        """What the task says now; the next poll finds it one step further."""
        shown = {name: value for name, value in task.items() if name != "prompt"}
        match task["status"]:
            case "PENDING":
                task["status"] = "THROTTLED"
            case "THROTTLED":
                task |= {"status": "RUNNING", "progress": 0.25}
            case "RUNNING":
                del task["progress"], task["estimatedCost"]
                task |= self._ending(task["prompt"])
        return shown

    def _ending(self, prompt: str) -> dict[str, Any]:
        for word, failure in FAILURES.items():
            if word in prompt:
                return {"status": "FAILED", "cost": {"credits": 0}, **failure}
        output = [f"{self.url}/storage/video.mp4?_jwt=signed"]
        return {"status": "SUCCEEDED", "cost": {"credits": CREDITS - 10}, "output": output}

    def _start_upload(self, body: dict[str, Any]) -> dict[str, Any]:
        return {
            "uploadUrl": f"{self.url}/storage/uploads",
            "fields": {"key": body["filename"], "policy": body["type"]},
            "runwayUri": "runway://upload-1",
        }


def running() -> AbstractContextManager[RunwayServer]:
    return serving(RunwayServer())
