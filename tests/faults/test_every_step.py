"""Kill -9 at every step of the life of a video, and what is left of the promise afterwards."""

from collections.abc import Collection
from typing import Any

import pytest
from django.utils import timezone

from tests.faults import points
from tests.faults.books import Losses, jobs_left
from tests.faults.conftest import Verdict
from tests.faults.house import POSTGRES, House, until
from tests.faults.people import Broken, Person
from videos.models import Video

pytestmark = pytest.mark.fault
Status = Video.Status
# One that succeeds, one that fails, and one whose order is accepted with its answer lost.
PROMPTS = ("A lighthouse", "A kite [[fail:internal_error]]", "A river [[drop:after]]")
LINE = (
    *points.HEALING_POINTS,
    "find.after_answer",
    "running.before_commit",
    "running.after_commit",
    "poll.after_answer",
    "downloading.before_commit",
    "downloading.after_commit",
    "download.midway",
    "store.after_video_file",
    "succeed.before_commit",
)


def spread(names: Collection[str]) -> list[Any]:
    """One parameter a point; the short tier meets every other on SQLite, the rest on PostgreSQL."""
    usual = int(POSTGRES)
    marks = [() if n % 2 == usual else pytest.mark.thorough for n, _ in enumerate(names)]
    return [pytest.param(name, marks=mark) for name, mark in zip(names, marks, strict=True)]


def die_at(home: House, person: Person, point: str, *prompts: str) -> None:
    """Order videos from a house that dies at the point."""
    role = home.victim(point)
    home.start(role, point=point)
    for prompt in prompts:
        person.order_if_served(prompt)
    home.await_death(role)


@pytest.mark.parametrize("point", spread(points.WORKER_POINTS))
def test_nothing_is_lost_when_the_work_dies(
    home: House, person: Person, verdict: Verdict, point: str
) -> None:
    die_at(home, person, point, *PROMPTS)
    home.start_missing()
    person.order("A cloud")
    person.delete(person.order("A storm [[slow:200]]"))
    assert verdict() == Losses()
    assert Status.CANCELLED in person.user.videos.values_list("status", flat=True)


@pytest.mark.parametrize("passes", [2, 3])
def test_nothing_is_lost_when_a_later_poll_is_the_last(
    home: House, person: Person, verdict: Verdict, passes: int
) -> None:
    role = home.victim("poll.after_answer")
    home.start(role, point="poll.after_answer", passes=passes)
    person.order("A glacier [[slow:200]]")
    home.await_death(role)
    assert verdict() == Losses()


def test_one_job_is_made_when_every_heir_dies_too(
    home: House, person: Person, verdict: Verdict
) -> None:
    die_at(home, person, "submit.after_post", "A long inheritance")
    for point in LINE:
        die_at(home, person, point)
    assert verdict() == Losses()
    assert person.user.videos.get().status == Status.SUCCEEDED


@pytest.mark.parametrize("point", spread(points.TIMEOUT_POINTS))
def test_credits_return_once_when_the_work_dies_at_a_timeout(
    home: House, person: Person, verdict: Verdict, point: str
) -> None:
    role = home.victim(point)
    home.start(role, point=point)
    person.order("A desert [[hang]]")
    until(lambda: person.user.videos.filter(status=Status.RUNNING).exists(), "a running video")
    person.user.videos.update(deadline_at=timezone.now())
    home.await_death(role)
    assert verdict() == Losses()
    assert person.user.videos.get().status == Status.TIMEOUT


@pytest.mark.parametrize("point", spread(points.ORDER_POINTS))
def test_an_order_is_whole_or_nothing_when_its_server_dies(
    home: House, person: Person, verdict: Verdict, point: str
) -> None:
    home.start("serve", point=point)
    with pytest.raises(Broken):
        person.order("A bridge")
    home.await_death("serve")
    home.start("serve")
    placed = point == "order.after_commit_before_answer"
    assert (person.user.videos.count(), person.balance()) == ((1, 80) if placed else (0, 100))
    person.order("A bridge, again")
    assert verdict() == Losses()


@pytest.mark.parametrize("point", spread(points.CANCEL_POINTS))
def test_credits_return_once_when_the_server_dies_at_a_cancel(
    home: House, person: Person, verdict: Verdict, point: str
) -> None:
    home.start("serve", point=point)
    video = person.order("A tower [[slow:400]]")
    kept = person.order("A garden")
    until(lambda: Video.objects.get(pk=video).status == Status.RUNNING, "a running video")
    press = person.delete if point.startswith("delete") else person.cancel
    with pytest.raises(Broken):
        press(video)
    home.await_death("serve")
    home.start("serve")
    done = point.endswith("after_commit")
    assert (Video.objects.get(pk=video).status == Status.CANCELLED) == done
    if not done or press == person.cancel:
        press(video)
    assert verdict() == Losses()
    statuses = {pk: Video.objects.get(pk=pk).status for pk in (video, kept)}
    assert statuses == {video: Status.CANCELLED, kept: Status.SUCCEEDED}


def test_job_is_deleted_at_the_engine_when_the_worker_died_while_cleaning_up(
    home: House, person: Person, verdict: Verdict
) -> None:
    die_at(home, person, "cleanup.after_engine_delete", PROMPTS[1])
    assert verdict() == Losses()
    left = person.user.videos.filter(needs_cleanup=True)
    until(lambda: not left.exists(), "the cleanup")
    assert jobs_left(home, set(person.user.videos.values_list("prompt", flat=True))) == set()
