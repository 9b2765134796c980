"""HTTP and WebSocket."""

import os
import sys
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
http = get_asgi_application()

# Django must be set up before anything below may touch a model.
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import path  # noqa: E402

from config import celery, checks, guard  # noqa: E402, F401 - shared tasks find their app
from videos.consumers import VideoConsumer  # noqa: E402

checks.enforce()
if "daphne.server" in sys.modules:
    # daphne serves this process (`manage.py runserver`); no other process may import it, for it
    # costs 22 MB.
    from config import daphne_limits

    daphne_limits.install()
router: Any = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": AuthMiddlewareStack(
            URLRouter([path("ws/videos/", VideoConsumer.as_asgi())])  # type: ignore[arg-type,list-item]
        ),
    }
)
if settings.SOCKETIO:
    from videos import socketio

    router = socketio.in_front_of(router)
application = guard.Guard(router)
