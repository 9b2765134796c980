"""Django's ASGI handler, for bodies that arrive without Content-Length too."""

import os
from collections.abc import Mapping
from typing import IO, Any

from django.core.handlers.asgi import ASGIRequest
from django.http.response import HttpResponseBase

from config.server.threaded_handler import ThreadedHandler


class ChunkedBodyHandler(ThreadedHandler):
    """Tells Django how long a body is that a client sent in chunks.

    Django's form parsers and DRF take a body without CONTENT_LENGTH for empty, and many clients
    stream theirs: Go, .NET, Node, and proxies that pass a body on while it arrives.
    """

    def create_request(
        self, scope: Mapping[str, Any], body_file: IO[bytes]
    ) -> tuple[ASGIRequest, None] | tuple[None, HttpResponseBase]:
        if not any(name == b"content-length" for name, _value in scope["headers"]):
            size = body_file.seek(0, os.SEEK_END)
            body_file.seek(0)
            length = [(b"content-length", str(size).encode())] if size else []
            scope = {**scope, "headers": [*scope["headers"], *length]}
        return super().create_request(scope, body_file)
