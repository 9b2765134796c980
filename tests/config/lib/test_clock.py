"""Leases and deadlines go by the database's clock."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import User
from config.lib import clock
from tests.videos.conftest import make_due, order, reloaded, running
from videos.engines.base import Job, JobState
from videos.jobs.worker import claim, settle


def test_clock_is_that_of_the_process_with_sqlite(alice: User) -> None:
    assert abs(clock.now() - timezone.now()) < timedelta(seconds=5)


@pytest.mark.scaled
@pytest.mark.usefixtures("database_clock")
def test_no_video_ends_when_the_clock_of_a_worker_is_half_an_hour_ahead(alice: User) -> None:
    videos = [running(order(alice, f"Boat {n}")) for n in range(3)]
    for video in videos:
        make_due(video)
    ahead = timezone.now() + timedelta(minutes=31)
    with time_machine.travel(ahead):
        held = claim.claim_due(10)
        settle.settle([(v, Job(v.engine_job_id, JobState.RUNNING, 50)) for v in held])
    assert [reloaded(video).status for video in videos] == ["running"] * 3
    assert [reloaded(video).progress for video in videos] == [50] * 3
