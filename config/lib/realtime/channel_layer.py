"""The channel layer of the embedded mode: one process, all of its threads.

The in-memory layer of Channels does not wake a reader in another thread's event loop, which delays
a message by up to a second. This one passes each message to the reader's loop at once.
"""

import asyncio
import secrets
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from channels.layers import BaseChannelLayer

Message = dict[str, Any]


class Mailbox:
    """The messages that wait for one reader; when it is full the oldest is dropped."""

    def __init__(self, capacity: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.waiting: asyncio.Queue[Message] = asyncio.Queue(capacity)

    def put(self, message: Message) -> None:
        if self.waiting.full():
            self.waiting.get_nowait()
        self.waiting.put_nowait(message)


def post(mailboxes: Iterable[Mailbox], message: Message) -> None:
    """Put a message into mailboxes, from any thread; each event loop is woken once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Mailbox]] = {}
    for mailbox in mailboxes:
        by_loop.setdefault(mailbox.loop, []).append(mailbox)
    for loop, own in by_loop.items():
        with suppress(RuntimeError):  # the loop of the readers has ended
            loop.call_soon_threadsafe(_put_into, own, message)


def _put_into(mailboxes: list[Mailbox], message: Message) -> None:
    for mailbox in mailboxes:
        mailbox.put(message)


class InProcessChannelLayer(BaseChannelLayer):
    """Channels and groups in one process; at most `capacity` messages wait per reader."""

    extensions = ("groups",)

    def __init__(self, capacity: int = 500, **options: object) -> None:
        super().__init__(capacity=capacity)
        self._mailboxes: dict[str, Mailbox] = {}
        self._groups: dict[str, set[str]] = {}

    async def new_channel(self, prefix: str = "specific") -> str:
        name = f"{prefix}.{secrets.token_hex(12)}"
        self._mailboxes[name] = Mailbox(self.capacity)
        return name

    async def send(self, channel: str, message: Message) -> None:
        if mailbox := self._mailboxes.get(channel):
            post([mailbox], message)

    async def receive(self, channel: str) -> Message:
        mailbox = self._mailboxes.setdefault(channel, Mailbox(self.capacity))
        try:
            return await mailbox.waiting.get()
        except asyncio.CancelledError:
            self._mailboxes.pop(channel, None)  # the reader is gone
            raise

    async def group_add(self, group: str, channel: str) -> None:
        self._groups.setdefault(group, set()).add(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        members = self._groups.get(group, set())
        members.discard(channel)
        if not members:
            self._groups.pop(group, None)

    async def group_send(self, group: str, message: Message) -> None:
        self.publish(group, message)

    def publish(self, group: str, message: Message) -> None:
        """Send to a group from any thread."""
        members = [self._mailboxes.get(channel) for channel in list(self._groups.get(group, ()))]
        post(filter(None, members), message)
