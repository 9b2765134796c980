"""A local server that answers JSON and records the requests; each engine's server is one."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

Answer = tuple[int, Any]
Headers = dict[str, str]


class _Handler(BaseHTTPRequestHandler):
    server: "JSONServer"
    protocol_version = "HTTP/1.1"

    def respond(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_json = "json" in headers.get("content-type", "")
        body = json.loads(raw) if is_json and raw else raw
        self.server.requests.append((self.command, self.path, headers, body))
        status, content = self.server.answer_to(self.command, self.path, headers, body)
        if self.path == self.server.breaks_after:
            self.close_connection = True
            return
        kind, sent = _encode(content)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST = do_DELETE = respond  # noqa: N815 - the names http.server looks for

    def log_message(self, *args: object) -> None:
        pass


def _encode(content: Any) -> tuple[str, bytes]:
    if isinstance(content, bytes):
        return "video/mp4", content
    if isinstance(content, str):
        return "text/html", content.encode()
    return "application/json", json.dumps(content).encode()


class JSONServer(ThreadingHTTPServer):
    """Answers what `answer_to` returns: bytes as a file, text as HTML, anything else as JSON.

    `breaks_after` is a path: the connection breaks after such a request was taken.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, str, Headers, Any]] = []
        self.breaks_after = ""
        self.jobs_made = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def posts(self) -> int:
        return sum(method == "POST" for method, *_ in self.requests)

    def answer_to(self, method: str, path: str, headers: Headers, body: Any) -> Answer:
        raise NotImplementedError


Server = TypeVar("Server", bound=JSONServer)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Run the server in a thread."""
    with server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
