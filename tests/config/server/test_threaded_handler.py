"""Requests are answered on threads that last, and end when their client leaves."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from asgiref import testing
from django.core import signals
from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from django.utils import translation
from pytest_django import Settings

from config.server.threaded_handler import ThreadedHandler

new_communicator: Any = testing.ApplicationCommunicator
both_arrived = threading.Barrier(2, timeout=10)
may_end = threading.Event()
closed = threading.Event()
connections_by_thread: defaultdict[int, list[Any]] = defaultdict(list)


def name_thread(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(threading.get_ident()))


def ask_database(request: HttpRequest) -> HttpResponse:
    connection.ensure_connection()
    connections_by_thread[threading.get_ident()].append(connection.connection)
    return HttpResponse("ok")


def speak(request: HttpRequest) -> HttpResponse:
    before = translation.get_language()
    translation.activate("ja")
    return HttpResponse(before)


def meet(request: HttpRequest) -> HttpResponse:
    both_arrived.wait()
    return HttpResponse("met")


def work(request: HttpRequest) -> HttpResponse:
    may_end.wait(10)
    return HttpResponse(request.read())


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"part"
        await asyncio.sleep(0.01)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    response = StreamingHttpResponse(endless())
    response._resource_closers.append(closed.set)  # type: ignore[attr-defined]
    return response


urlpatterns = [
    path(view.__name__, view) for view in (name_thread, ask_database, speak, meet, work, stream)
]


@pytest.fixture
def handler(settings: Settings) -> ThreadedHandler:
    settings.ROOT_URLCONF, settings.MIDDLEWARE, settings.ALLOWED_HOSTS = __name__, [], ["*"]
    return ThreadedHandler()


async def begin(handler: ThreadedHandler, view: str) -> Any:
    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/{view}",
        "headers": [],
        "query_string": b"",
    }
    communicator = new_communicator(handler, scope)
    await communicator.send_input({"type": "http.request", "body": b"a body"})
    return communicator


async def body_of(handler: ThreadedHandler, view: str) -> str:
    communicator = await begin(handler, view)
    assert (await communicator.receive_output(10))["status"] == 200
    body = (await communicator.receive_output(10))["body"].decode()
    await communicator.wait(10)
    return str(body)


def run(test: Callable[[], Awaitable[Any]]) -> Any:
    return asyncio.run(asyncio.wait_for(test(), 30))


def test_thread_is_used_again_when_a_request_has_ended(handler: ThreadedHandler) -> None:
    async def three() -> set[str]:
        names = set()
        for _ in range(3):
            names.add(await body_of(handler, "name_thread"))
            await asyncio.sleep(0.1)  # until the pool knows that the thread is idle
        return names

    threads = run(three)
    assert (len(threads), str(threading.get_ident()) in threads) == (1, False)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has a pool instead")
def test_thread_keeps_its_connection_to_sqlite(handler: ThreadedHandler) -> None:
    async def ask() -> list[str]:
        return [await body_of(handler, "ask_database") for _ in range(5)]

    run(ask)

    assert sum(map(len, connections_by_thread.values())) == 5
    assert {
        thread: len(set(used)) for thread, used in connections_by_thread.items()
    } == dict.fromkeys(connections_by_thread, 1)


def test_requests_are_answered_at_the_same_time(handler: ThreadedHandler) -> None:
    async def two() -> list[str]:
        return list(await asyncio.gather(*(body_of(handler, "meet") for _ in range(2))))

    assert run(two) == ["met", "met"]


def test_language_of_a_request_does_not_reach_the_next_one(handler: ThreadedHandler) -> None:
    async def two() -> list[str]:
        return [await body_of(handler, "speak"), await body_of(handler, "speak")]

    assert run(two) == ["en", "en"]


def test_work_ends_before_the_handler_when_the_client_leaves(handler: ThreadedHandler) -> None:
    may_end.clear()
    ended: list[object] = []

    async def leave() -> list[bool]:
        communicator = await begin(handler, "work")
        await asyncio.sleep(0.05)
        await communicator.send_input({"type": "http.disconnect"})
        await asyncio.sleep(0.05)
        waited = not communicator.future.done()
        may_end.set()
        await communicator.wait(10)
        return [waited, communicator.output_queue.empty()]

    def note(**_: object) -> None:
        ended.append(None)

    signals.request_finished.connect(note)
    try:
        assert (run(leave), len(ended)) == ([True, True], 1)
    finally:
        signals.request_finished.disconnect(note)


def test_stream_is_closed_when_the_client_leaves(handler: ThreadedHandler) -> None:
    closed.clear()

    async def leave() -> bytes:
        communicator = await begin(handler, "stream")
        await communicator.receive_output(10)
        part = await communicator.receive_output(10)
        await communicator.send_input({"type": "http.disconnect"})
        await communicator.wait(10)
        return bytes(part["body"])

    assert (run(leave), closed.is_set()) == (b"part", True)
