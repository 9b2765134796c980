"""Error reports: errors of views, tasks and processes go to a Sentry server when SENTRY_DSN is set.

A report is built anew from fields that are known to hold nothing of users: where the error was
raised, the path's pattern, the request id. Bodies, headers, cookies, queries, texts and addresses
stay here; the log has the rest under the same request id.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from config.http import request_id

Event = dict[str, Any]

KEPT = (
    "event_id", "timestamp", "start_timestamp", "type", "level", "platform", "release",
    "environment", "logger", "transaction", "transaction_info", "sdk",
)  # fmt: skip
FRAME = (
    "filename", "abs_path", "function", "module", "lineno", "context_line", "pre_context",
    "post_context", "in_app",
)  # fmt: skip
# Of a trace; its other fields may quote what was sent.
TRACE = ("trace_id", "span_id", "parent_span_id", "op", "status", "origin")
# What Python itself says with these names code only; other messages may quote prompts or rows.
SAFE_TO_QUOTE = {
    "AttributeError", "ImportError", "ModuleNotFoundError", "NameError", "RecursionError",
    "UnboundLocalError", "ZeroDivisionError",
}  # fmt: skip
# Their log messages are constant texts, into which the logger puts the values.
OUR_LOGGERS = ("accounts", "billing", "config", "showcase", "videos")


def start() -> None:
    """Report errors of this process from now on; without SENTRY_DSN nothing is even imported."""
    if not settings.SENTRY_DSN:
        return
    import sentry_sdk  # noqa: PLC0415 - costs 0.1 s, which others need not pay
    from sentry_sdk.integrations import (  # noqa: PLC0415
        atexit,
        celery,
        dedupe,
        django,
        excepthook,
        logging,
        threading,
    )

    # Whoever scans the internet for open hosts is no error of ours.
    logging.ignore_logger("django.security.*")
    request_id.listeners.append(
        lambda found: sentry_sdk.get_isolation_scope().set_tag("request_id", found)
    )
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=f"firstlight@{settings.VERSION}",
        environment=settings.ENVIRONMENT,
        traces_sample_rate=settings.SENTRY_TRACES or None,
        before_send=scrub,  # type: ignore[arg-type]  # events are dicts with known keys
        before_send_transaction=scrub,  # type: ignore[arg-type]
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        max_breadcrumbs=0,
        # Others would add headers to our calls of engines, and read what they are about.
        default_integrations=False,
        auto_enabling_integrations=False,
        trace_propagation_targets=[],
        auto_session_tracking=False,
        send_client_reports=False,
        integrations=[
            atexit.AtexitIntegration(callback=lambda _pending, _timeout: None),
            celery.CeleryIntegration(propagate_traces=False),
            dedupe.DedupeIntegration(),
            django.DjangoIntegration(signals_spans=False),
            excepthook.ExcepthookIntegration(),
            logging.LoggingIntegration(level=None),
            threading.ThreadingIntegration(),
        ],
    )


def scrub(event: Mapping[str, Any], _hint: Mapping[str, Any]) -> Event:
    """Return a report with the known fields of an event and nothing else."""
    found = _pick(event, KEPT)
    # The report of a duration is made after its request, when only its tag is left.
    sent = event.get("tags", {}).get("request_id", "-")
    now = request_id.current.get()
    found["tags"] = {"request_id": sent if now == "-" else now}
    if event.get("transaction_info", {}).get("source") == "url":
        found.pop("transaction", None)  # a path as it was sent may contain a token
    values = event.get("exception", {}).get("values", [])
    if values:
        found["exception"] = {"values": [_exception(value) for value in values]}
    if log := event.get("logentry"):
        is_ours = str(event.get("logger", "")).partition(".")[0] in OUR_LOGGERS
        found["logentry"] = {"message": log.get("message", "") if is_ours else "[hidden]"}
    if trace := event.get("contexts", {}).get("trace"):
        found["contexts"] = {"trace": _pick(trace, TRACE)}
    return found


def _exception(value: Mapping[str, Any]) -> Event:
    frames = (value.get("stacktrace") or {}).get("frames", [])
    mechanism = _pick(value.get("mechanism") or {}, ("type", "handled"))
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "value": value.get("value") if value.get("type") in SAFE_TO_QUOTE else "[hidden]",
        "mechanism": {"type": "generic", **mechanism},
        "stacktrace": {"frames": [_pick(frame, FRAME) for frame in frames]},
    }


def _pick(source: Mapping[str, Any], names: tuple[str, ...]) -> Event:
    return {name: source[name] for name in names if name in source}
