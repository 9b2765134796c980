"""A server with OpenAI's chat completions, which answers as a test says."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class ChatServer:
    """Answers with `text`, or with `body` and `code`; keeps what it was asked."""

    def __init__(self) -> None:
        self.text = "A boat drifts at dawn."
        self.code = 200
        self.body: Any = None
        self.asked: list[dict[str, Any]] = []
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self) -> Any:
        message = {"role": "assistant", "content": self.text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "small",
            "choices": [choice],
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                server.asked.append({"path": self.path, **json.loads(raw)})
                found = server.answer() if server.body is None else server.body
                body = json.dumps(found).encode()
                self.send_response(server.code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler
