"""Kill a process at every step of a video's life: no video, credit or job is lost or doubled."""

from collections.abc import Collection
from typing import Any

import pytest
from django.utils import timezone

from tests.faults import kill_points
from tests.faults.checks import Violations, prompts_of_remaining_jobs
from tests.faults.conftest import FindViolations
from tests.faults.processes import Deployment, wait_until
from tests.faults.users import ConnectionBroken, HttpUser
from tests.tiers import share
from videos.jobs import rescue, state_machine
from videos.models import Video

pytestmark = pytest.mark.fault
Status = Video.Status
# One succeeds, one fails, and the engine accepts one but the answer is lost.
PROMPTS = ("A lighthouse", "A kite [[fail:internal_error]]", "A river [[drop:after]]")
RECOVERY_POINTS = (
    *kill_points.SEARCH_POINTS,
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


def parameters(names: Collection[str]) -> list[Any]:
    """Mark the points thorough that the short tier tries on the other database."""
    usual = share(names)
    return [
        pytest.param(name, marks=() if name in usual else pytest.mark.thorough) for name in names
    ]


def kill_at(deployment: Deployment, user: HttpUser, point: str, *prompts: str) -> None:
    """Order videos from a deployment whose process is killed at the point."""
    role = deployment.role_of(point)
    deployment.start(role, point=point)
    for prompt in prompts:
        user.try_order(prompt)
    deployment.wait_until_killed(role)


@pytest.mark.parametrize("point", parameters(kill_points.WORKER_POINTS))
def test_nothing_is_lost_when_the_worker_is_killed(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations, point: str
) -> None:
    kill_at(deployment, user, point, *PROMPTS)
    deployment.start_missing()
    user.delete(user.order("A storm [[slow:200]]"))
    assert find_violations() == Violations()
    assert Status.CANCELLED in user.account.videos.values_list("status", flat=True)


@pytest.mark.parametrize("passes", [2, pytest.param(3, marks=pytest.mark.thorough)])
def test_nothing_is_lost_when_the_worker_is_killed_at_a_later_poll(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations, passes: int
) -> None:
    role = deployment.role_of("poll.after_answer")
    deployment.start(role, point="poll.after_answer", passes=passes)
    user.order("A glacier [[slow:200]]")
    deployment.wait_until_killed(role)
    assert find_violations() == Violations()


def test_one_job_is_created_when_each_next_worker_is_killed(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations
) -> None:
    kill_at(deployment, user, "submit.after_post", "A long recovery")
    for point in RECOVERY_POINTS:
        kill_at(deployment, user, point)
    assert find_violations() == Violations()
    assert user.account.videos.get().status == Status.SUCCEEDED


@pytest.mark.parametrize("point", parameters(kill_points.TIMEOUT_POINTS))
def test_credits_are_refunded_once_when_the_worker_is_killed_at_a_timeout(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations, point: str
) -> None:
    role = deployment.role_of(point)
    deployment.start(role, point=point)
    user.order("A desert [[hang]]")
    wait_until(
        lambda: user.account.videos.filter(status=Status.RUNNING).exists(), "a running video"
    )
    user.account.videos.update(deadline_at=timezone.now())
    deployment.wait_until_killed(role)
    assert find_violations() == Violations()
    assert user.account.videos.get().status == Status.TIMEOUT


@pytest.mark.parametrize("point", parameters(kill_points.RESCUE_POINTS))
def test_video_is_rescued_for_nothing_when_the_worker_is_killed_at_its_file(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations, point: str
) -> None:
    role = deployment.role_of(point)
    deployment.start(role, point=point)
    video = user.order("A canyon [[instant]] [[content:404x2]]")
    refused = Video.objects.filter(pk=video, status=Status.DOWNLOADING, attempts__gte=1)
    wait_until(refused.exists, "a file that cannot be fetched")
    failed, code = Video.objects.get(pk=video), "result_unavailable"
    assert state_machine.end(failed, Status.FAILED, code=code, fenced=False)
    rescue.request(failed)
    deployment.wait_until_killed(role)
    deployment.start_missing()
    fetched = user.account.videos.filter(fetches_again=False)
    wait_until(fetched.exists, "the file that is fetched again")
    assert find_violations() == Violations()
    assert (fetched.get().status, user.balance()) == (Status.SUCCEEDED, 100)


@pytest.mark.parametrize("point", parameters(kill_points.ORDER_POINTS))
def test_order_is_complete_or_absent_when_the_server_is_killed(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations, point: str
) -> None:
    deployment.start("serve", point=point)
    with pytest.raises(ConnectionBroken):
        user.order("A bridge")
    deployment.wait_until_killed("serve")
    deployment.start("serve")
    placed = point == "order.after_commit_before_answer"
    assert (user.account.videos.count(), user.balance()) == ((1, 80) if placed else (0, 100))
    user.order("A bridge, again")
    assert find_violations() == Violations()


@pytest.mark.parametrize(
    "point", parameters(["order.after_spend_before_commit", "batch.after_commit"])
)
def test_batch_is_complete_or_absent_when_the_server_is_killed(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations, point: str
) -> None:
    placed = point == "batch.after_commit"
    deployment.start("serve", point=point, passes=1 if placed else 2)
    with pytest.raises(ConnectionBroken):
        user.order_batch(3, "Ships")
    deployment.wait_until_killed("serve")
    deployment.start("serve")
    assert (user.account.videos.count(), user.balance()) == ((3, 40) if placed else (0, 100))
    assert len(user.order_batch(3, "Ships")) == 3
    assert find_violations() == Violations()
    assert user.account.videos.count() == 3


@pytest.mark.parametrize("point", parameters(kill_points.CANCEL_POINTS))
def test_credits_are_refunded_once_when_the_server_is_killed_at_a_cancel(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations, point: str
) -> None:
    deployment.start("serve", point=point)
    video = user.order("A tower [[slow:400]]")
    kept = user.order("A garden")
    wait_until(lambda: Video.objects.get(pk=video).status == Status.RUNNING, "a running video")
    act = user.delete if point.startswith("delete") else user.cancel
    with pytest.raises(ConnectionBroken):
        act(video)
    deployment.wait_until_killed("serve")
    deployment.start("serve")
    done = point.endswith("after_commit")
    assert (Video.objects.get(pk=video).status == Status.CANCELLED) == done
    if not done or act == user.cancel:
        act(video)
    assert find_violations() == Violations()
    statuses = {pk: Video.objects.get(pk=pk).status for pk in (video, kept)}
    assert statuses == {video: Status.CANCELLED, kept: Status.SUCCEEDED}


def test_engine_job_is_deleted_when_the_worker_is_killed_while_cleaning_up(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations
) -> None:
    kill_at(deployment, user, "cleanup.after_engine_delete", PROMPTS[1])
    assert find_violations() == Violations()
    left = user.account.videos.filter(needs_cleanup=True)
    wait_until(lambda: not left.exists(), "the cleanup")
    assert (
        prompts_of_remaining_jobs(
            deployment, set(user.account.videos.values_list("prompt", flat=True))
        )
        == set()
    )
