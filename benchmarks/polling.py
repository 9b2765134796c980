"""Measure how many active videos one worker can poll every 5 s, and what a poll costs."""

import resource
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Collection, Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import median, quantiles
from unittest import mock
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from accounts.models import User
from benchmarks.figures import Figure, Goal
from tests.backing import free_port
from videos.engines import base
from videos.jobs import state_machine
from videos.jobs.worker import claim, executor
from videos.models import Video

INTERVAL = timedelta(seconds=5)
USERS = 20


FLOOR_VIDEOS = 1000


def measure(*, quick: bool) -> list[Figure]:
    """Measure the most active videos that are wanted of one worker, and the cost of a poll."""
    counts = (1000,) if quick else (1000, 5000, 10_000)
    return run(counts, 12 if quick else 20)


def run(counts: tuple[int, ...], seconds: float, answer_seconds: float = 0.0) -> list[Figure]:
    """Print one row per number of active videos, of an engine that answers after a time."""
    port = free_port()
    words = [sys.executable, "-m", "benchmarks.engine_stub", str(port), str(answer_seconds)]
    stub = subprocess.Popen(words)
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
            floor = _one_task_per_video(port, seconds)
            return [figure for count in counts for figure in _measure(count, seconds, floor)]
    finally:
        stub.terminate()


def _one_task_per_video(port: int, seconds: float) -> float:
    """Return the CPU milliseconds of a poll in a program that only polls."""
    words = [sys.executable, "-m", "benchmarks.one_task_per_video"]
    numbers = [str(port), str(FLOOR_VIDEOS), str(int(seconds))]
    found = subprocess.run([*words, *numbers], stdout=subprocess.PIPE, text=True, check=True)
    polls, used = found.stdout.split()
    return 1000 * float(used) / int(polls)


def _measure(count: int, seconds: float, floor: float) -> list[Figure]:
    _create_videos(count)
    delays: list[float] = []
    polled: dict[object, list[float]] = {}
    due_at: dict[object, float] = {}
    real_claim, real_record = claim.claim_polls, state_machine.record_polls

    def timed_claim(limit: int, engines: Collection[str]) -> list[Video]:
        claimed = real_claim(limit, engines)
        now = time.monotonic()
        for video in claimed:
            polled.setdefault(video.pk, []).append(now)
            if at := due_at.get(video.pk):
                delays.append(now - at)
        return claimed

    def timed_record(done: Sequence[tuple[Video, float]]) -> set[UUID]:
        now = time.monotonic()
        for video, pause in done:
            due_at[video.pk] = now + pause
        return real_record(done)

    worker = executor.Executor(settings.WORKER_THREADS)
    with (
        mock.patch.object(claim, "claim_polls", timed_claim),
        mock.patch.object(state_machine, "record_polls", timed_record),
    ):
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
    wanted, cost = count / INTERVAL.total_seconds(), 1000 * used / max(polls, 1)
    print(
        f"| {count} | {polls / took:.0f} ({wanted:.0f}) "
        f"| {median(gaps):.2f} / {_p95(gaps):.2f} | {_p95(delays):.2f} "
        f"| {used / took:.0%} of a core, {cost:.2f} ms a poll "
        f"| {len(queries) / max(done, 1):.2f} |",
        flush=True,
    )
    # What 10,000 videos leave for each poll on one core.
    cheap = Goal(value=0.5) if count >= 10_000 else Goal()
    name, every = f"{count:,} active videos on one worker", Goal(ratio=0.98, at_least=True)
    return [
        Figure(f"{name}: polls", polls / took, "/s", every, wanted, "due"),
        Figure(f"{name}: CPU of a poll", cost, "ms", cheap, floor, "a task a video"),
    ]


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20)[-1] if len(values) > 1 else 0.0


def _run_for(worker: executor.Executor, seconds: float) -> None:
    until, never = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < until:
        if not worker.turn():
            worker._pause(never)


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
