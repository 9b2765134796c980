"""Audit of refunds: every video or edit that ended without a file has exactly one credit refund.

A video whose file staff had fetched again later keeps its refund; no other video that succeeded
has one.
A missing refund is added through the ledger; the audit run lists what needs staff.
"""

from collections.abc import Iterator
from datetime import timedelta

from billing.ledger import credits
from billing.reports import audit_runs
from billing.reports.audit_runs import Finding
from config.lib import clock
from videos.jobs.money import charges
from videos.library import counts
from videos.models import MediaJob, Video
from videos.reports import daily_usage

BATCH = 500
BY_AUDITOR = "Returned by the auditor"
STUCK_AFTER = timedelta(hours=1)


def run_audit() -> audit_runs.AuditReport:
    """Audit ledger, payments and videos, repair what can be repaired, and record the audit run."""
    found = [
        *audit_runs.findings(),
        *findings(),
        *edit_findings(),
        *library_findings(),
        *usage_findings(),
    ]
    return audit_runs.record(found, Video.objects.count())


def findings() -> Iterator[Finding]:
    """Yield the videos whose credits do not agree with their status."""
    last = None
    while True:
        rows = Video.objects.order_by("pk")
        batch = list((rows.filter(pk__gt=last) if last else rows)[:BATCH])
        if not batch:
            return
        yield from _check(batch)
        last = batch[-1].pk


def edit_findings() -> Iterator[Finding]:
    """Yield the edits that ended without a video and whose credits were not returned.

    One that has made its video is checked with that.
    """
    lost = MediaJob.objects.filter(status__in=MediaJob.LOST, credits__gt=0)
    for job in lost.order_by("pk").iterator(BATCH):
        spent, returned = charges.job_spend_key(job.pk), charges.job_refund_key(job.pk)
        known = credits.existing_keys([spent, returned])
        if spent not in known:
            yield Finding(f"edit {job.pk} was never paid for")
        elif returned not in known:
            grace = job.status != MediaJob.Status.CANCELLED
            back = credits.refund(spent, returned, grace=grace, description=BY_AUDITOR)
            yield Finding(f"edit {job.pk} was {job.status} without a refund", f"+{back.amount}")


def library_findings() -> Iterator[Finding]:
    """Yield the libraries whose kept counts were wrong; they are counted again."""
    for user_id in counts.wrong_counts():
        counts.repair(user_id)
        yield Finding(f"the library of user {user_id} was counted wrongly", "counted again")


def usage_findings() -> Iterator[Finding]:
    """Yield the users whose videos were added up wrongly; they are added up again."""
    for user_id in daily_usage.wrong_users():
        daily_usage.repair(user_id)
        yield Finding(f"the videos of user {user_id} were added up wrongly", "added up again")


def _check(batch: list[Video]) -> Iterator[Finding]:
    keys = [make(v) for v in batch for make in (charges.spend_key, charges.refund_key)]
    known = credits.existing_keys(keys)
    for video in batch:
        if charges.refund_key(video) in known and not video.is_refunded:
            video.refresh_from_db()  # it may have failed since the batch was read
        spent = charges.spend_key(video) in known
        returned = charges.refund_key(video) in known
        if not spent:
            if video.credits:  # it was not ordered while orders cost nothing
                yield Finding(f"video {video.pk} was never paid for")
        elif video.is_refunded and not returned:
            yield _repair(video)
        elif returned and not video.is_refunded:
            yield Finding(f"video {video.pk} is {video.status} and was refunded")
        if video.is_active and clock.now() > video.deadline_at + STUCK_AFTER:
            yield Finding(f"video {video.pk} is {video.status} long after its deadline")


def _repair(video: Video) -> Finding:
    entry = credits.refund(
        charges.spend_key(video),
        charges.refund_key(video),
        grace=video.status != Video.Status.CANCELLED,
        description=BY_AUDITOR,
    )
    return Finding(f"video {video.pk} was {video.status} without a refund", f"+{entry.amount}")
