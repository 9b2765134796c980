"""A provider of identities on a port of this machine: what all of them do over HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit


class Provider(Protocol):
    """Answers in the words of one provider; `url` is where it is."""

    url: str

    def authorize(self, query: dict[str, str]) -> str:
        """Return the URL to redirect the browser to."""

    def token(self, form: dict[str, str]) -> tuple[int, bytes]:
        """Exchange a code; return status and body."""

    def document(self, path: str, authorization: str) -> tuple[int, bytes]:
        """Return what is at another path."""


class ProviderServer:
    """The provider on a real port."""

    def __init__(self, provider: Provider) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                if url.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", provider.authorize(_flat(url.query)))
                    self.end_headers()
                else:
                    authorization = self.headers.get("Authorization", "")
                    self._respond(*provider.document(url.path, authorization))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._respond(*provider.token(_flat(body)))

            def _respond(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        provider.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> "ProviderServer":
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def as_json(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode()


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
