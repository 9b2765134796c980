"""The ASGI application: HTTP, WebSocket, Socket.IO, behind the body limits."""

import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

# Django must be set up before anything below may touch a model.
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import path  # noqa: E402

from config import celery  # noqa: E402, F401 - shared tasks find their app
from config.ops import checks  # noqa: E402
from config.server import body_limits  # noqa: E402
from config.server.chunked_bodies import ChunkedBodyHandler  # noqa: E402
from videos.realtime.consumers import VideoConsumer  # noqa: E402

checks.refuse_unsafe_start()
if "daphne.server" in sys.modules:
    # daphne serves this process (`manage.py runserver`); no other process may import it, for it
    # costs 22 MB.
    from config.server import daphne_limits

    daphne_limits.install()
router: Any = ProtocolTypeRouter(
    {
        "http": ChunkedBodyHandler(),
        "websocket": AuthMiddlewareStack(
            URLRouter([path("ws/videos/", VideoConsumer.as_asgi())])  # type: ignore[arg-type,list-item]
        ),
    }
)
if settings.SOCKETIO:
    from videos.realtime import socketio

    router = socketio.mount_before(router)
application = body_limits.BodyLimits(router)
