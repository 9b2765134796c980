"""Local HTTP servers that record their requests and answer each from one function."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

# A status, content (text is HTML, bytes are a video, anything else JSON) and headers; or a function
# that answers, or breaks the connection, by itself.
Answer = (
    tuple[int, Any] | tuple[int, Any, dict[str, str]] | Callable[[BaseHTTPRequestHandler], None]
)


@dataclass(frozen=True)
class Request:
    """`target` is the path with its query, as it was sent."""

    method: str
    target: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class _Handler(BaseHTTPRequestHandler):
    server: "LocalServer"
    protocol_version = "HTTP/1.1"

    def respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        request = Request(self.command, self.path, url.path, query, headers, body)
        answer = self.server.take(request)
        if request.path == self.server.breaks_after:
            self.close_connection = True
            return
        if callable(answer):
            answer(self)
            return
        self.send(*answer)

    def send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        kind = "application/json"
        if isinstance(content, bytes):
            kind = "video/mp4"
        elif isinstance(content, str):
            kind, content = "text/html", content.encode()
        else:
            content = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = respond  # noqa: N815 - the names http.server looks for

    def log_message(self, *args: object) -> None:
        pass


class LocalServer(ThreadingHTTPServer):
    """`breaks_after` is a path: the connection breaks after such a request was taken."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.breaks_after = ""
        self.jobs_made = 0
        self.host = f"127.0.0.1:{self.server_port}"
        self.url = f"http://{self.host}"

    def take(self, request: Request) -> Answer:
        """Record the request and answer it."""
        raise NotImplementedError

    def handle_error(self, *args: object) -> None:
        pass  # connections are broken on purpose


class LoopbackServer(LocalServer):
    """Keeps its requests whole; `answer` answers them."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[Request] = []

    def take(self, request: Request) -> Answer:
        self.requests.append(request)
        return self.answer(request)

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def sent(self, method: str) -> list[Request]:
        return [request for request in self.requests if request.method == method]


Server = TypeVar("Server", bound=LocalServer)


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Run the server in a thread."""
    with server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
