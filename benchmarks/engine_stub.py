"""An engine that answers at once; every poll raises a job's progress by one."""

import json
import sys
from collections import Counter
from typing import Any

import uvicorn

poll_counts: Counter[str] = Counter()


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    job = scope["path"].rsplit("/", 1)[-1]
    poll_counts[job] += 1
    body = json.dumps(
        {
            "id": job,
            "object": "video",
            "model": "sora-2",
            "status": "in_progress",
            "progress": min(poll_counts[job], 99),
            "created_at": 1,
            "size": "1280x720",
            "seconds": "8",
        }
    ).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", lifespan="off")
