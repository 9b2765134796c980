"""One order is one trace, from the request through the engine to the file, at a real receiver."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from django.conf import LazySettings
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from accounts.models import User
from config.environment.logging import JsonFormatter
from config.environment.monitoring import read_endpoint
from config.http.request_id import RequestIdFilter
from config.lib import tracing
from tests.conftest import ServerThread, signed_in
from tests.videos.conftest import answered, order
from videos.engines.base import JobState
from videos.models import Video

PROMPT = "A paper boat on a tin lantern"


class Collector(BaseHTTPRequestHandler):
    """Keeps the spans that arrive, and every byte of them."""

    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        if self.path == "/v1/traces":
            self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def spans(settings: LazySettings) -> Iterator[Callable[[], list[Any]]]:
    """Return a function that ends tracing and returns the spans that the collector has."""
    Collector.bodies.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        settings.OTLP_ENDPOINT = f"http://127.0.0.1:{server.server_port}"
        tracing.start()

        def read() -> list[Any]:
            tracing.stop()
            asked = [ExportTraceServiceRequest.FromString(body) for body in Collector.bodies]
            scopes = [s for one in asked for r in one.resource_spans for s in r.scope_spans]
            return [span for scope in scopes for span in scope.spans]

        yield read
        tracing.stop()
        server.shutdown()


def test_order_engine_and_file_are_one_trace(
    live: ServerThread,
    spans: Callable[[], list[Any]],
    alice: User,
    finish: Callable[[Video], Video],
) -> None:
    body = {"prompt": PROMPT, "seconds": "4"}
    made = signed_in(alice).post("/api/videos", body, format="json").json()
    video = finish(Video.objects.get(pk=made["id"]))
    assert video.status == Video.Status.SUCCEEDED
    found = spans()
    (request,) = [span for span in found if span.name.startswith("POST ")]
    trace = [span for span in found if span.trace_id == request.trace_id]
    by_name = {span.name: span for span in trace}
    assert sorted(by_name) == [
        "POST api-videos",
        "order",
        "render",
        "store file",
        "submit to engine",
    ]
    assert len(trace) == len(by_name)
    placed = by_name["order"]
    assert (request.parent_span_id, placed.parent_span_id) == (b"", request.span_id)
    rest = [by_name[name].parent_span_id for name in ("submit to engine", "render", "store file")]
    assert rest == [placed.span_id] * 3
    render = by_name["render"]
    assert 0 < render.end_time_unix_nano - render.start_time_unix_nano < 60e9
    assert str(video.traceparent).split("-")[1] == request.trace_id.hex()
    assert PROMPT.encode() not in b"".join(Collector.bodies)


def test_header_of_a_client_begins_no_trace(db: None, spans: Callable[[], list[Any]]) -> None:
    foreign = "4bf92f3577b34da6a3ce929d0e0e4736"
    Client().get("/health", headers={"traceparent": f"00-{foreign}-00f067aa0ba902b7-01"})
    (span,) = spans()
    facts = {pair.key: pair.value.string_value for pair in span.attributes}
    assert (span.name, facts["http.route"], span.trace_id.hex() == foreign) == (
        *("GET health", "health"),
        False,
    )


def test_log_lines_have_the_id_of_their_trace(alice: User, spans: Callable[[], list[Any]]) -> None:
    record = logging.LogRecord("videos", logging.INFO, "", 0, "a line", None, None)

    def line() -> dict[str, Any]:
        RequestIdFilter().filter(record)
        found: dict[str, Any] = json.loads(JsonFormatter().format(record))
        return found

    with tracing.span("outer"):
        stored = tracing.current()
        assert line()["trace_id"] == str(stored).split("-")[1]
    assert "trace_id" not in line()
    with tracing.belonging_to(stored):
        assert line()["trace_id"] == str(stored).split("-")[1]


def test_failed_step_says_the_kind_of_its_error_and_no_more(
    spans: Callable[[], list[Any]],
) -> None:
    with pytest.raises(ValueError, match="secret"), tracing.span("step"):
        raise ValueError("a secret prompt")
    (span,) = spans()
    assert (span.status.code, list(span.events)) == (2, [])
    assert {pair.key: pair.value.string_value for pair in span.attributes} == {
        "error.type": "ValueError"
    }
    assert b"secret" not in b"".join(Collector.bodies)


def test_nothing_is_traced_by_default(alice: User) -> None:
    video = order(alice)
    answered(answered(video, JobState.RUNNING), JobState.FAILED)
    assert (tracing.is_on(), Video.objects.get(pk=video.pk).traceparent) == (False, None)


@pytest.mark.parametrize("text", ["collector:4318", "grpc://collector", "http:///"])
def test_address_of_no_collector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected an address such as"):
        read_endpoint(text)
