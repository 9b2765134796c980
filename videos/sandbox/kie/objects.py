"""JSON objects of kie.ai's API: the envelope and the record of a task.

Source: docs.kie.ai, market/common/get-task-detail.
"""

import json
import sqlite3
import time
from typing import Any

from videos.sandbox.jobs.failures import failure_message
from videos.sandbox.jobs.records import Job
from videos.sandbox.jobs.timeline import Stage
from videos.sandbox.store import STORE

STATES = {
    "queued": "waiting",
    "in_progress": "generating",
    "completed": "success",
    "failed": "fail",
}


def envelope(data: object, code: int = 200, msg: str = "success") -> dict[str, Any]:
    return {"code": code, "msg": msg, "data": data}


def find_task(job_id: str) -> sqlite3.Row | None:
    """Return the task row of a job; None for a job of the other API."""
    with STORE.reading() as connection:
        row: sqlite3.Row | None = connection.execute(
            "SELECT * FROM kie_task WHERE job_id = ?", (job_id,)
        ).fetchone()
    return row


def record(job: Job, stage: Stage, task: sqlite3.Row) -> dict[str, Any]:
    """Return recordInfo's data; `[[minimal]]` leaves only the keys no client can do without."""
    state = STATES.get(stage.status, stage.status)
    urls = {"resultUrls": [f"{task['base']}/files/{job.id}.mp4"]}
    done_ms = int(1000 * (job.completed_at or time.time()))
    minimal = {
        "taskId": job.id,
        "state": state,
        "resultJson": json.dumps(urls) if state == "success" else "",
    }
    if job.triggers.has("minimal"):
        return minimal
    code, message = _failure(job) if state == "fail" else ("", "")
    ended = state in {"success", "fail"}
    created_ms = int(1000 * job.created_at)
    return minimal | {
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
    code = "internal_error" if job.render_failed else job.triggers.value("fail")
    return code or "501", failure_message(code or "video_generation_failed")
