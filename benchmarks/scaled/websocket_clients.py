"""Clients on WebSockets of every web process, which connect again and ask for what they missed."""

import json
import threading
from typing import Any

import websocket

from tests.faults.users import HttpUser

SILENCE_SECONDS = 2.0
ENDED = {"completed", "failed", "cancelled"}


class Listener:
    """Follows one user's videos; `notified` holds the ids of those of whose end it was notified."""

    def __init__(self, user: HttpUser, urls: list[str]) -> None:
        self.notified: set[str] = set()
        self.reconnects = -1
        self.user, self._urls, self._seen = user, urls, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow(self._urls[self.reconnects % len(self._urls)])
            except (OSError, websocket.WebSocketException, json.JSONDecodeError):
                self._stop.wait(0.5)

    def _follow(self, url: str) -> None:
        self.reconnects += 1
        sock = websocket.create_connection(
            f"{url.replace('http', 'ws', 1)}/ws/videos/",
            subprotocols=["bearer", self.user.token],
            timeout=10,
        )
        try:
            self._hear(json.loads(sock.recv()))
            self._resume(sock)
            sock.settimeout(SILENCE_SECONDS)
            while not self._stop.is_set():
                try:
                    said = sock.recv()
                except websocket.WebSocketTimeoutException:
                    # What was lost on the way, as in a Redis that restarted, is asked for.
                    self._resume(sock)
                    continue
                if not said:
                    return
                self._hear(json.loads(said))
        finally:
            sock.close()

    def _resume(self, sock: websocket.WebSocket) -> None:
        sock.send(json.dumps({"type": "resume", "after": self._seen}))

    def _hear(self, event: dict[str, Any]) -> None:
        kind = event.get("type")
        if kind == "video_update":
            if event["updates"].get("status") in ENDED:
                self.notified.add(event["video_id"])
        elif kind == "resumed":
            self._seen = event["next"]
