"""Django with one synchronous view and nothing else, on the same server: the floor of a request."""

import asyncio
import sys
from typing import Any

import django
import uvicorn
from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path

ANSWER = {"status": "ok", "version": "0.2.0", "checks": {"database": True, "worker": True}}


def answer(request: HttpRequest) -> JsonResponse:
    return JsonResponse(ANSWER)


urlpatterns = [path("health", answer)]


def main() -> None:
    settings.configure(ROOT_URLCONF="benchmarks.bare_django", ALLOWED_HOSTS=["*"], USE_TZ=True)
    django.setup()
    from django.core.asgi import get_asgi_application  # noqa: PLC0415 - needs the settings

    # The options of config.server.uvicorn_server.
    options: dict[str, Any] = {"http": "h11", "lifespan": "off", "log_level": "error"}
    config = uvicorn.Config(
        get_asgi_application(), host="127.0.0.1", port=int(sys.argv[1]), **options
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
