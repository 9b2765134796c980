"""A local server of JSON requests; it keeps of each the method, target, headers and body."""

from typing import Any

from tests.engine_servers.loopback import LocalServer, Request

Answer = tuple[int, Any]
Headers = dict[str, str]


class JSONServer(LocalServer):
    """Answers what `answer_to` returns: bytes as a file, text as HTML, anything else as JSON."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[tuple[str, str, Headers, Any]] = []

    @property
    def posts(self) -> int:
        return sum(method == "POST" for method, *_ in self.requests)

    def take(self, request: Request) -> Answer:
        is_json = "json" in request.headers.get("content-type", "")
        body = request.json if is_json and request.body else request.body
        asked = request.method, request.target, request.headers, body
        self.requests.append(asked)
        return self.answer_to(*asked)

    def answer_to(self, method: str, path: str, headers: Headers, body: Any) -> Answer:
        raise NotImplementedError
