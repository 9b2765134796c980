"""A server with OpenAI's chat completions, which answers as a test says."""

from typing import Any

from tests.engine_servers.loopback import Answer, LoopbackServer, Request


class ChatServer(LoopbackServer):
    """Answers with `text`, or with `body` and `code`."""

    def __init__(self) -> None:
        super().__init__()
        self.text = "A boat drifts at dawn."
        self.code = 200
        self.body: Any = None

    def answer(self, request: Request) -> Answer:
        message = {"role": "assistant", "content": self.text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        whole = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "small",
            "choices": [choice],
        }
        return self.code, whole if self.body is None else self.body
