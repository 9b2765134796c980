"""What the product stands on goes away for a while: beat, Redis, every database connection."""

import pytest
from django.db import connection

from tests.faults import books, people
from tests.faults.books import Losses
from tests.faults.conftest import Verdict
from tests.faults.house import POSTGRES, House, OwnRedis, until
from tests.faults.people import Person
from videos.models import Video

pytestmark = pytest.mark.fault
__test__ = POSTGRES
Status = Video.Status
TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def order_some(person: Person) -> None:
    for prompt in ("A lake", "A kite [[fail:internal_error]]", "A bay [[drop:after]]", "A reef"):
        person.order(prompt)


def await_running(person: Person) -> None:
    running = person.user.videos.filter(status=Status.RUNNING)
    until(running.exists, "a running video")


def test_nothing_is_lost_when_beat_dies(home: House, person: Person, verdict: Verdict) -> None:
    order_some(person)
    await_running(person)
    home.kill("beat")
    assert verdict() == Losses()


def test_nothing_is_lost_when_web_beat_and_worker_die_together(
    home: House, person: Person, verdict: Verdict
) -> None:
    order_some(person)
    await_running(person)
    for role in home.roles:
        home.kill(role)
    assert verdict() == Losses()


def test_nothing_is_lost_when_redis_comes_back_empty(
    home: House, person: Person, verdict: Verdict, own_redis: OwnRedis
) -> None:
    order_some(person)
    endless = people.newcomer(home)  # keeps the worker busy, so that it holds messages
    hanging = endless.order("A hermit [[hang]]")
    await_running(endless)
    own_redis.kill()
    person.order("A video ordered without Redis")
    own_redis.start()
    assert verdict() == Losses()
    endless.cancel(hanging)
    assert books.losses(home, endless) == Losses()
    assert [role for role in home.roles if not home.lives(role)] == []


def test_nothing_is_lost_when_every_database_connection_is_cut(
    home: House, person: Person, verdict: Verdict
) -> None:
    order_some(person)
    await_running(person)
    with connection.cursor() as cursor:
        cursor.execute(TERMINATE)
    assert verdict() == Losses()
    assert [role for role in home.roles if not home.lives(role)] == []
