"""A process whose view and task raise an error, as web server, worker and beat start it.

Run as `python -m tests.config.failing_site`, with SENTRY_DSN in the environment.
"""

import asyncio
import json
import logging
import os
import sys
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

from asgiref import testing
from django.http import HttpRequest, HttpResponse

import config.asgi
from config.celery import app, check_settings

SECRET = "tin-lantern-9"
communicator: Any = testing.ApplicationCommunicator


def refuse(request: HttpRequest, token: str) -> HttpResponse:
    prompt = json.loads(request.body)["prompt"]
    raise ValueError(f"cannot paint {prompt}")


def crash(request: HttpRequest) -> HttpResponse:
    logging.getLogger("videos.tasks").error("the webhook of %s failed", f"{SECRET}@example.com")
    raise AttributeError("no attribute 'size'")


@app.task
def paint(prompt: str) -> None:
    raise KeyError(prompt)


async def call(path: str, body: bytes = b"", host: bytes = b"localhost") -> int:
    scope = {
        "type": "http", "method": "POST" if body else "GET", "path": path,
        "raw_path": path.encode(), "query_string": f"token={SECRET}".encode(),
        "scheme": "http", "http_version": "1.1",
        "headers": [
            (b"host", host), (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()), (b"x-request-id", b"req-1"),
            (b"authorization", f"Bearer {SECRET}".encode()),
            (b"cookie", f"sessionid={SECRET}".encode()),
        ],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    site: Any = communicator(config.asgi.application, scope)
    await site.send_input({"type": "http.request", "body": body})
    answer = await site.receive_output(20)
    await site.receive_output(20)
    return int(answer["status"])


def main() -> None:
    from django.conf import settings
    from django.urls import path
    from django.views.decorators.csrf import csrf_exempt

    from config import urls

    urls.urlpatterns.insert(0, path("fails/<str:token>/", csrf_exempt(refuse)))
    urls.urlpatterns.insert(0, path("crashes/", crash))
    settings.SECURE_SSL_REDIRECT = False
    if "worker" in sys.argv:
        check_settings()
        paint.apply(args=(SECRET,))
        return
    body = json.dumps({"prompt": SECRET}).encode()
    statuses = [asyncio.run(call(f"/fails/{SECRET}/", body)), asyncio.run(call("/crashes/"))]
    statuses.append(asyncio.run(call("/accounts/login/", host=b"evil.example.com")))
    print(statuses)


if __name__ == "__main__":
    main()
