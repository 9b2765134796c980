"""Django's ASGI handler, for bodies that arrive without Content-Length too."""

import os
from tempfile import SpooledTemporaryFile
from typing import Any

from django.core.handlers.asgi import ASGIHandler, ASGIRequest
from django.http import HttpResponse


class Handler(ASGIHandler):
    """Tells Django how long a body is that a client sent in chunks.

    Django's form parsers and DRF take a body without CONTENT_LENGTH for empty, and many clients
    stream theirs: Go, .NET, Node, and proxies that pass a body on while it arrives.
    """

    def create_request(
        self, scope: dict[str, Any], body_file: "SpooledTemporaryFile[bytes]"
    ) -> tuple[ASGIRequest | None, HttpResponse | None]:
        if not any(name == b"content-length" for name, _value in scope["headers"]):
            size = body_file.seek(0, os.SEEK_END)
            body_file.seek(0)
            length = [(b"content-length", str(size).encode())] if size else []
            scope = {**scope, "headers": [*scope["headers"], *length]}
        request: tuple[ASGIRequest | None, HttpResponse | None]
        request = super().create_request(scope, body_file)
        return request
