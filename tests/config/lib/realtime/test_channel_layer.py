"""The channel layer of one process: other threads, full channels, and no leftovers."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any

import pytest
from channels.layers import get_channel_layer

from accounts.models import User
from config.lib.realtime.channel_layer import InProcessChannelLayer
from tests.conftest import ServerThread
from tests.videos.realtime.test_consumers import Socket, bearer


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 10))


async def receive_messages(layer: InProcessChannelLayer, channel: str, count: int) -> list[Any]:
    return [(await layer.receive(channel))["n"] for _ in range(count)]


def test_group_receives_messages_when_other_threads_send() -> None:
    async def scene() -> None:
        layer = InProcessChannelLayer()
        channels = [await layer.new_channel() for _ in range(2)]
        for channel in channels:
            await layer.group_add("room", channel)
        listening = [
            asyncio.create_task(receive_messages(layer, channel, 100)) for channel in channels
        ]
        await asyncio.sleep(0)  # both are waiting now

        def send(n: int) -> None:
            for m in range(25):
                layer.publish("room", {"n": n * 25 + m})

        threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for found in await asyncio.gather(*listening):
            assert sorted(found) == list(range(100))
            for n in range(4):  # messages of one thread arrive in order
                of_one_thread = [m for m in found if m // 25 == n]
                assert of_one_thread == sorted(of_one_thread)

    run(scene())


def test_message_arrives_at_once_when_another_thread_sends_it() -> None:
    async def scene() -> float:
        layer = InProcessChannelLayer()
        channel = await layer.new_channel()
        await layer.group_add("room", channel)
        listening = asyncio.create_task(receive_messages(layer, channel, 1))
        await asyncio.sleep(0.01)
        sent_at = time.monotonic()
        threading.Thread(target=layer.publish, args=("room", {"n": 1})).start()
        await listening
        return time.monotonic() - sent_at

    assert min(run(scene()) for _ in range(5)) < 0.2


def test_oldest_message_is_dropped_when_a_channel_is_full() -> None:
    async def scene() -> list[Any]:
        layer = InProcessChannelLayer(capacity=3)
        channel = await layer.new_channel()
        await layer.group_add("room", channel)
        for n in range(5):
            await layer.group_send("room", {"n": n})
        await asyncio.sleep(0.01)
        return await receive_messages(layer, channel, 3)

    assert run(scene()) == [2, 3, 4]


def test_other_readers_receive_messages_when_one_is_slow() -> None:
    async def scene() -> list[Any]:
        layer = InProcessChannelLayer(capacity=2)
        slow, quick = await layer.new_channel(), await layer.new_channel()
        for channel in (slow, quick):
            await layer.group_add("room", channel)
        found = []
        for n in range(4):
            await layer.group_send("room", {"n": n})
            found += await receive_messages(layer, quick, 1)
        return found

    assert run(scene()) == [0, 1, 2, 3]


def test_message_reaches_one_channel() -> None:
    async def scene() -> list[Any]:
        layer = InProcessChannelLayer()
        channel = await layer.new_channel()
        await layer.send(channel, {"n": 1})
        await layer.send("nobody", {"n": 2})
        return await receive_messages(layer, channel, 1)

    assert run(scene()) == [1]


def test_no_message_arrives_when_the_group_was_left() -> None:
    async def scene() -> dict[str, Any]:
        layer = InProcessChannelLayer()
        channel = await layer.new_channel()
        await layer.group_add("room", channel)
        await layer.group_discard("room", channel)
        await layer.group_discard("room", channel)
        await layer.group_send("room", {"n": 1})
        await asyncio.sleep(0.01)
        assert layer._mailboxes[channel].waiting.empty()
        return layer._groups

    assert run(scene()) == {}


def test_send_succeeds_when_the_readers_loop_has_ended() -> None:
    layer = InProcessChannelLayer()

    async def scene() -> None:
        await layer.group_add("room", await layer.new_channel())

    run(scene())
    layer.publish("room", {"n": 1})


@pytest.mark.embedded
def test_layer_is_empty_when_sockets_have_closed(live: ServerThread, alice: User) -> None:
    layer = get_channel_layer()
    assert isinstance(layer, InProcessChannelLayer)
    before = (len(layer._mailboxes), dict(layer._groups))
    signed_in = bearer(alice)
    sockets = [Socket(live, suppress_origin=True, **signed_in) for _ in range(10)]
    sockets += [Socket(live, suppress_origin=True) for _ in range(10)]
    for socket in sockets[:10]:
        socket.receive()
    assert len(layer._mailboxes) == before[0] + 20
    for socket in sockets:
        socket.raw.close()
    until = time.monotonic() + 10
    while (len(layer._mailboxes), dict(layer._groups)) != before and time.monotonic() < until:
        time.sleep(0.02)
    assert (len(layer._mailboxes), dict(layer._groups)) == before
