"""A mail server on a port of its own: keeps what it accepts, and fails when it is asked to."""

import socketserver
import threading
import time
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

ANSWERS = {"EHLO": "250 mail.test", "HELO": "250 mail.test", "QUIT": "221 Bye"}


@dataclass
class MailServer:
    """Answers of the next commands may be set by name, such as {"RCPT": "550 Unknown"}.

    With `closes_after_data` it accepts an e-mail and closes the connection without an answer.
    """

    answers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    closes_after_data: bool = False
    accepted: list[EmailMessage] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> "MailServer":
        made = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                _talk(made, self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def ids(self) -> list[str]:
        """The Message-IDs of the accepted e-mails."""
        return [str(message["Message-ID"]) for message in self.accepted]


def _talk(server: MailServer, client: socketserver.StreamRequestHandler) -> None:
    server.connections += 1
    time.sleep(server.seconds)
    client.wfile.write(b"220 mail.test\r\n")
    for line in client.rfile:
        verb = line.split()[0].decode().upper() if line.split() else ""
        answer = server.answers.get(verb) or ANSWERS.get(verb, "250 OK")
        if verb == "DATA" and verb not in server.answers:
            client.wfile.write(b"354 Go on\r\n")
            message = message_from_bytes(_read_data(client), policy=policy.default)
            server.accepted.append(message)
            if server.closes_after_data:
                return
        client.wfile.write(f"{answer}\r\n".encode())
        if verb == "QUIT":
            return


def _read_data(client: socketserver.StreamRequestHandler) -> bytes:
    lines = iter(client.rfile.readline, b".\r\n")
    return b"".join(line.removeprefix(b".") for line in lines)
