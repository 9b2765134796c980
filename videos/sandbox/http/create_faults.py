"""Creating a job with the faults its prompt asks for: refusals, lost answers, early events."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from config.lib.sandbox import connections
from videos.sandbox import deliveries
from videos.sandbox.deliveries import Sender
from videos.sandbox.http import faults
from videos.sandbox.http.errors import ApiError
from videos.sandbox.jobs import counters
from videos.sandbox.jobs.failures import failure_message
from videos.sandbox.jobs.records import Job
from videos.sandbox.triggers import Triggers


def create_job(
    request: HttpRequest,
    owner: str,
    prompt: str,
    create: Callable[[], Job],
    *,
    sender: Sender,
    reject_status: int,
) -> Job | HttpResponseBase:
    """Call `create`; return the job, or a response whose connection breaks. Raises ApiError."""
    triggers = Triggers(prompt)
    drop, once = triggers.value("drop"), triggers.has("once")
    first = counters.count_create(owner, prompt) == 0 if once or drop else True
    if first or not once:
        _raise_requested_error(triggers, reject_status)
        if drop == "before":
            return connections.truncate(request)
    job = create()
    if triggers.webhook()[0] == "early":
        deliveries.deliver_early(job.id, sender)
    if drop == "after" and first:
        return connections.truncate(request)
    return job


def _raise_requested_error(triggers: Triggers, reject_status: int) -> None:
    if fault := triggers.http():
        raise faults.error_with_status(fault.status, fault.retry_after)
    if code := triggers.value("reject"):
        raise ApiError(reject_status, failure_message(code), code=code)
