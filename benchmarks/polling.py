"""Measure how many active videos one worker can poll every 5 s, and what a poll costs."""

import resource
import subprocess
import sys
import time
import urllib.request
from datetime import timedelta
from itertools import pairwise
from statistics import median, quantiles
from unittest import mock

from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from accounts.models import User
from tests.backing import free_port
from videos.engines import base
from videos.jobs.worker import claim, executor
from videos.models import Video

INTERVAL = timedelta(seconds=5)
USERS = 20


def run(counts: tuple[int, ...], seconds: float) -> None:
    """Print one row per number of active videos."""
    port = free_port()
    stub = subprocess.Popen([sys.executable, "-m", "benchmarks.engine_stub", str(port)])
    config = {
        "adapter": "openai",
        "base_url": f"http://127.0.0.1:{port}/v1",
        "api_key": "none",
        "webhook_secret": "",
        "models": "",
    }
    try:
        _wait_for_stub(port)
        with override_settings(
            ENGINES={"bench": config},
            POLL_FIRST=INTERVAL,
            POLL_SLOWEST=INTERVAL,
            LEASE=timedelta(seconds=15),
        ):
            base.get.cache_clear()
            print(
                "| active videos | polls/s (required) | interval p50 / p95 s | delay p95 s | CPU "
                "| queries |"
            )
            print("|---|---|---|---|---|---|")
            for count in counts:
                print(_row(count, seconds), flush=True)
    finally:
        stub.terminate()


def _row(count: int, seconds: float) -> str:
    _create_videos(count)
    delays: list[float] = []
    polled: dict[object, list[float]] = {}
    real = claim.claim_due

    def timed_claim(limit: int, *, downloads: bool = True) -> list[Video]:
        now = timezone.now()
        due = dict(Video.objects.due(now).values_list("pk", "next_step_at")[:limit])
        claimed = real(limit, downloads=downloads)
        for video in claimed:
            polled.setdefault(video.pk, []).append(time.monotonic())
            if at := due.get(video.pk):
                delays.append((now - at).total_seconds())
        return claimed

    worker = executor.Executor(settings.WORKER_THREADS)
    with mock.patch.object(claim, "claim_due", timed_claim):
        # Poll every video once, so that they become due at different times.
        _run_for(worker, INTERVAL.total_seconds())
        delays.clear()
        polled.clear()
        cpu, began = _cpu_seconds(), time.monotonic()
        _run_for(worker, seconds)
        took, used = time.monotonic() - began, _cpu_seconds() - cpu
    polls = sum(len(times) for times in polled.values())
    gaps = [b - a for times in polled.values() for a, b in pairwise(times)]
    with CaptureQueriesContext(connection) as queries:
        before = sum(Video.objects.values_list("poll_count", flat=True))
        _run_for(worker, 1.0)
        done = sum(Video.objects.values_list("poll_count", flat=True)) - before
    worker.close()
    return (
        f"| {count} | {polls / took:.0f} ({count / INTERVAL.total_seconds():.0f}) "
        f"| {median(gaps):.2f} / {_p95(gaps):.2f} | {_p95(delays):.2f} "
        f"| {used / took:.0%} of a core | {len(queries) / max(done, 1):.1f} |"
    )


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1] if len(values) > 1 else 0.0


def _run_for(worker: executor.Executor, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not worker.turn():
            time.sleep(executor.Executor.idle_seconds)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _create_videos(count: int) -> None:
    Video.objects.all().delete()
    users = list(User.objects.order_by("pk")[:USERS])
    users += [
        User.objects.create_user(f"bench{n}", f"bench{n}@example.com")
        for n in range(len(users), USERS)
    ]
    now = timezone.now()
    Video.objects.bulk_create(
        Video(
            user=users[n % USERS],
            operation="text",
            prompt=f"bench {n}",
            model="sora-2",
            size="1280x720",
            seconds=8,
            credits=20,
            status="running",
            engine="bench",
            engine_job_id=f"video_{n}",
            created_at=now,
            deadline_at=now + timedelta(hours=1),
            next_step_at=now + INTERVAL * n / count,
        )
        for n in range(count)
    )


def _wait_for_stub(port: int) -> None:
    for _ in range(100):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/videos/x").read()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the engine stub did not start")
