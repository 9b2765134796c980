"""Services fail for a while: beat, Redis, PostgreSQL, the engine."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection

from tests.backing import OwnPostgres
from tests.faults import checks, users
from tests.faults.checks import Violations
from tests.faults.conftest import FindViolations
from tests.faults.processes import POSTGRES, Deployment, OwnRedis, wait_until
from tests.faults.users import HttpUser
from videos.models import Video

pytestmark = pytest.mark.fault
__test__ = POSTGRES
Status = Video.Status
Act = Callable[[], None]
MANY = 20
DOWN_SECONDS = 3.0
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


def order_while_stopped(user: HttpUser, stop: Act, start: Act) -> int:
    """Order before, while and after a service is stopped; return how many orders there were."""
    user.order("A harbour before")
    wait_until_running(user)
    with ThreadPoolExecutor(MANY) as threads:
        list(threads.map(lambda _: user.list_status(), range(5 * MANY)))  # opens pooled connections
        stop()
        meanwhile = threads.submit(user.order_until_accepted, "A harbour meanwhile")
        time.sleep(DOWN_SECONDS)
        start()
        assert set(meanwhile.result()) <= {0, 503, 201}
    assert [user.list_status() for _ in range(2 * MANY)] == [200] * 2 * MANY
    assert user.order_until_accepted("A harbour after") == [201]
    return 3


@pytest.mark.parametrize("service", ["redis", "postgresql", "engine"])
def test_orders_are_accepted_exactly_once_when_a_service_stops_and_starts(
    deployment: Deployment,
    user: HttpUser,
    find_violations: FindViolations,
    own_redis: OwnRedis,
    own_postgres: OwnPostgres,
    service: str,
) -> None:
    services: dict[str, tuple[Act, Act]] = {
        "redis": (own_redis.kill, own_redis.start),
        "postgresql": (own_postgres.kill, own_postgres.start),
        "engine": (partial(deployment.kill, "engine"), partial(deployment.start, "engine")),
    }
    orders = order_while_stopped(user, *services[service])
    connection.close()  # the test's own, which the restart has cut
    assert find_violations() == Violations()
    assert user.account.videos.count() == len(set(user.accepted)) == orders
    assert [role for role in deployment.roles if not deployment.is_running(role)] == []
