"""Services fail for a while: beat, Redis, every database connection."""

import pytest
from django.db import connection

from tests.faults import checks, users
from tests.faults.checks import Violations
from tests.faults.conftest import FindViolations
from tests.faults.processes import POSTGRES, Deployment, OwnRedis, wait_until
from tests.faults.users import HttpUser
from videos.models import Video

pytestmark = pytest.mark.fault
__test__ = POSTGRES
Status = Video.Status
TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def order_videos(user: HttpUser) -> None:
    for prompt in ("A lake", "A kite [[fail:internal_error]]", "A bay [[drop:after]]", "A reef"):
        user.order(prompt)


def wait_until_running(user: HttpUser) -> None:
    running = user.account.videos.filter(status=Status.RUNNING)
    wait_until(running.exists, "a running video")


def test_nothing_is_lost_when_beat_is_killed(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations
) -> None:
    order_videos(user)
    wait_until_running(user)
    deployment.kill("beat")
    assert find_violations() == Violations()


def test_nothing_is_lost_when_web_beat_and_worker_are_killed_together(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations
) -> None:
    order_videos(user)
    wait_until_running(user)
    for role in deployment.roles:
        deployment.kill(role)
    assert find_violations() == Violations()


def test_nothing_is_lost_when_redis_restarts_empty(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations, own_redis: OwnRedis
) -> None:
    order_videos(user)
    endless = users.create_user(deployment)  # keeps the worker busy, so that it holds messages
    hanging = endless.order("A hermit [[hang]]")
    wait_until_running(endless)
    own_redis.kill()
    user.order("A video ordered without Redis")
    own_redis.start()
    assert find_violations() == Violations()
    endless.cancel(hanging)
    assert checks.find_violations_of(deployment, endless) == Violations()
    assert [role for role in deployment.roles if not deployment.is_running(role)] == []


def test_nothing_is_lost_when_every_database_connection_is_cut(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations
) -> None:
    order_videos(user)
    wait_until_running(user)
    with connection.cursor() as cursor:
        cursor.execute(TERMINATE)
    assert find_violations() == Violations()
    assert [role for role in deployment.roles if not deployment.is_running(role)] == []
