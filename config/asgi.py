"""The ASGI application: HTTP, WebSocket, Socket.IO and MCP, behind the body limits."""

import os
import sys
from typing import Any

import django

from config.environment.startup import refusals_in_one_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
with refusals_in_one_line():
    django.setup(set_prefix=False)

# Django must be set up before anything below may touch a model.
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.urls import path, re_path

from config import (
    celery,  # noqa: F401 - shared tasks find their app
    error_reports,
)
from config.lib import draining, tracing
from config.ops import checks
from config.server import body_limits, unknown_sockets
from config.server.chunked_bodies import ChunkedBodyHandler
from config.server.continued_answers import ContinuedAnswers
from config.server.mcp_endpoint import MCPEndpoint
from config.server.socketio_endpoint import SocketIOEndpoint
from videos.realtime.consumers import VideoConsumer

with refusals_in_one_line():
    checks.refuse_unsafe_start()
error_reports.start()
tracing.start()
if "daphne.server" in sys.modules:
    # daphne serves this process (`manage.py runserver`); no other process may import it, for it
    # costs 22 MB.
    from config.server import daphne_limits

    daphne_limits.install()
site = ContinuedAnswers(ChunkedBodyHandler())
draining.before_closing(site.end_all)
router: Any = ProtocolTypeRouter(
    {
        "http": site,
        "websocket": AuthMiddlewareStack(
            URLRouter(
                [
                    path("ws/videos/", VideoConsumer.as_asgi()),  # type: ignore[arg-type,list-item]
                    re_path("", unknown_sockets.refuse),  # type: ignore[arg-type,list-item]
                ]
            )
        ),
    }
)
if settings.SOCKETIO:
    router = SocketIOEndpoint(router)
if settings.MCP:
    router = MCPEndpoint(router)
application = body_limits.BodyLimits(router)
