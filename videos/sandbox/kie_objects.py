"""kie.ai's objects of a sandbox job: the envelope, the record, and the callback's headers.

Source: docs.kie.ai, market/common/get-task-detail, common-api/webhook-verification.
"""

import base64
import hmac
import json
import sqlite3
import time
from typing import Any

from videos.sandbox.job_timeline import Stage
from videos.sandbox.jobs import Job
from videos.sandbox.openai_objects import failure_message
from videos.sandbox.store import STORE

STATES = {
    "queued": "waiting",
    "in_progress": "generating",
    "completed": "success",
    "failed": "fail",
}


def envelope(data: object, code: int = 200, msg: str = "success") -> dict[str, Any]:
    return {"code": code, "msg": msg, "data": data}


def task_of(job_id: str) -> sqlite3.Row | None:
    """What a job's createTask said; None for a job of the other API."""
    with STORE.reading() as connection:
        row: sqlite3.Row | None = connection.execute(
            "SELECT * FROM kie_task WHERE job_id = ?", (job_id,)
        ).fetchone()
    return row


def record(job: Job, stage: Stage, task: sqlite3.Row) -> dict[str, Any]:
    """What recordInfo says of a job; `[[minimal]]` leaves what nobody can do without."""
    state = STATES.get(stage.status, stage.status)
    urls = {"resultUrls": [f"{task['base']}/files/{job.id}.mp4"]}
    done_ms = int(1000 * (job.completed_at or time.time()))
    least = {
        "taskId": job.id,
        "state": state,
        "resultJson": json.dumps(urls) if state == "success" else "",
    }
    if job.triggers.has("minimal"):
        return least
    code, message = _failure(job) if state == "fail" else ("", "")
    ended = state in {"success", "fail"}
    created_ms = int(1000 * job.created_at)
    return least | {
        "model": json.loads(task["param"])["model"],
        "param": task["param"],
        "failCode": code,
        "failMsg": message,
        "progress": stage.progress,
        "costTime": max(done_ms - created_ms, 0) if ended else 0,
        "completeTime": done_ms if ended else 0,
        "createTime": created_ms,
    }


def _failure(job: Job) -> tuple[str, str]:
    if job.triggers.has("error"):
        return "", failure_message("video_generation_failed")
    code = "internal_error" if job.broken else job.triggers.value("fail")
    return code or "501", failure_message(code or "video_generation_failed")


def signature(job_id: str, secret: bytes) -> dict[str, str]:
    """The headers of a callback: they sign the task and the time, not the body."""
    now = str(int(time.time()))
    digest = hmac.digest(secret, f"{job_id}.{now}".encode(), "sha256")
    return {
        "X-Webhook-Timestamp": now,
        "X-Webhook-Signature": base64.b64encode(digest).decode(),
    }
