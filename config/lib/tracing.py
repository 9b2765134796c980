"""Traces of orders, sent to the OpenTelemetry collector of OTEL_EXPORTER_OTLP_ENDPOINT.

One order is one trace, from the request through the engine to the stored file: the row of the video
keeps the trace that it belongs to (`traceparent`, as W3C writes it), and each step of a worker goes
on with it. Nothing is imported while tracing is off. Spans hold names, ids and kinds of errors,
never texts of users; no header is sent to engines or taken from clients.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings

EXPORT_SECONDS = 5


class _Tracing:
    """The tracer of this process while tracing is on."""

    provider: Any = None
    tracer: Any = None


_state = _Tracing()


def start() -> None:
    """Trace from now on; does nothing without OTEL_EXPORTER_OTLP_ENDPOINT."""
    if not settings.OTLP_ENDPOINT or _state.provider:
        return
    # Only here: they cost 10 MB and half a second.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415

    about = {
        "service.name": settings.OTEL_SERVICE_NAME,
        "service.version": settings.VERSION,
        "deployment.environment.name": settings.ENVIRONMENT,
    }
    provider = TracerProvider(
        resource=Resource.create(about), sampler=ParentBasedTraceIdRatio(settings.OTEL_SHARE)
    )
    endpoint = f"{settings.OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _state.provider, _state.tracer = provider, provider.get_tracer("firstlight")


def stop() -> None:
    """Send what is left, and trace no more."""
    provider, _state.provider, _state.tracer = _state.provider, None, None
    if provider:
        provider.shutdown()


def is_on() -> bool:
    """Return whether this process traces."""
    return _state.tracer is not None


@contextmanager
def span(name: str, parent: str | None = None, **facts: str | int) -> Iterator[Any]:
    """Trace a block as a part of `parent`, or of what runs; yields the span, None while off."""
    if not is_on():
        yield None
        return
    with _state.tracer.start_as_current_span(
        name,
        context=_context_of(parent) if parent else None,
        attributes=facts,
        # Messages of errors may quote prompts.
        record_exception=False,
        set_status_on_exception=False,
    ) as made:
        try:
            yield made
        except Exception as error:
            note_error(made, error)
            raise


@contextmanager
def belonging_to(parent: str | None) -> Iterator[None]:
    """Let log lines of a block, and its spans, belong to a stored trace."""
    if not (is_on() and parent):
        yield
        return
    from opentelemetry import context  # noqa: PLC0415

    token = context.attach(_context_of(parent))
    try:
        yield
    finally:
        context.detach(token)


def note_span(
    name: str, parent: str | None, since: datetime | None, until: datetime, **facts: str | int
) -> None:
    """Trace what has happened between two times elsewhere, as a part of `parent`."""
    if is_on() and parent and since:
        began = _state.tracer.start_span(
            name, _context_of(parent), attributes=facts, start_time=_nanoseconds(since)
        )
        began.end(_nanoseconds(until))


def note_error(made: Any, error: Exception) -> None:
    """Say in a span that it failed, and by which kind of error."""
    if made is not None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415

        made.set_status(StatusCode.ERROR)
        made.set_attribute("error.type", type(error).__name__)


def current() -> str | None:
    """Return the trace that runs, to be stored; None without one."""
    if found := _current_ids():
        trace_id, span_id, flags = found
        return f"00-{trace_id:032x}-{span_id:016x}-{flags:02x}"
    return None


def trace_id() -> str:
    """Return the id of the trace that runs, for log lines; "" without one."""
    found = _current_ids()
    return f"{found[0]:032x}" if found else ""


def _current_ids() -> tuple[int, int, int] | None:
    if not is_on():
        return None
    from opentelemetry import trace  # noqa: PLC0415

    found = trace.get_current_span().get_span_context()
    return (found.trace_id, found.span_id, int(found.trace_flags)) if found.is_valid else None


def _context_of(parent: str) -> Any:
    from opentelemetry.trace.propagation import tracecontext  # noqa: PLC0415

    propagator = tracecontext.TraceContextTextMapPropagator()
    return propagator.extract({"traceparent": parent})


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1e9)
