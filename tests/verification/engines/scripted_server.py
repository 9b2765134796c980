"""A server that answers as a test scripts it, and the ways it breaks a connection."""

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JSON, HTML = "application/json", "text/html"
PAGE = "<!doctype html><title>Just a moment...</title>"

Answer = (
    tuple[int, Any] | tuple[int, Any, dict[str, str]] | Callable[[BaseHTTPRequestHandler], None]
)


class _Handler(BaseHTTPRequestHandler):
    server: "ScriptedServer"
    protocol_version = "HTTP/1.1"

    def respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.requests.append((self.command, self.path, headers, body))
        answer = self.server.answer
        answer = answer(self) if callable(answer) else answer
        if answer is None:
            return
        status, content, *rest = answer
        text = isinstance(content, str)
        raw = (
            content
            if isinstance(content, bytes)
            else (content if text else json.dumps(content)).encode()
        )
        self.send_response(status)
        sent = {"Content-Type": HTML if text else JSON, **(rest[0] if rest else {})}
        for name, value in sent.items():
            self.send_header(name, value)
        if "Content-Length" not in sent:
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_DELETE = respond  # noqa: N815 - the names http.server looks for

    def log_message(self, *args: object) -> None:
        pass


class ScriptedServer(ThreadingHTTPServer):
    """A server that gives one answer to every request and records the requests."""

    daemon_threads = True
    answer: Any = (200, {})

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []

    def handle_error(self, *args: object) -> None:
        pass  # connections are broken on purpose

    @property
    def posts(self) -> int:
        return sum(method == "POST" for method, *_ in self.requests)


def close_connection(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def truncate(handler: BaseHTTPRequestHandler) -> None:
    """Announce a longer body than is sent."""
    handler.send_response(200)
    handler.send_header("Content-Type", JSON)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id": "video_1"')
    close_connection(handler)


def answer_late(handler: BaseHTTPRequestHandler) -> None:
    threading.Event().wait(1)
    close_connection(handler)
