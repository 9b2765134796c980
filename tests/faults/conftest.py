"""A house to kill processes in, and the summary of what that did."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults import books, house, people, tally
from tests.faults.books import Losses
from tests.faults.house import House, OwnRedis
from tests.faults.people import Person

Verdict = Callable[..., Losses]
tally.open_folder()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if not hasattr(config, "workerinput") and (line := tally.close()):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def own_redis() -> Iterator[OwnRedis | None]:
    """A Redis of these tests alone; none in the embedded mode."""
    redis = OwnRedis() if house.POSTGRES else None
    yield redis
    if redis:
        redis.kill()


@pytest.fixture(scope="session")
def _opened(own_redis: OwnRedis | None, django_db_blocker: Any) -> Iterator[House]:
    opening = house.with_celery(own_redis.url) if own_redis else house.embedded()
    with django_db_blocker.unblock(), opening as opened:
        books.note_every_job(opened)
        yield opened


@pytest.fixture
def home(_opened: House, django_db_blocker: Any) -> Iterator[House]:
    """The product, all its processes alive; queries of the test go to its database."""
    with django_db_blocker.unblock(), books.looking_into(_opened):
        _opened.start_missing()
        yield _opened


@pytest.fixture
def person(home: House) -> Person:
    return people.newcomer(home)


@pytest.fixture
def verdict(home: House, person: Person) -> Verdict:
    """Start what is dead, wait until all has ended, and tell what was lost."""
    before = home.kills

    def judge() -> Losses:
        home.start_missing()
        books.settle(home, person)
        found = books.losses(home, person)
        tally.add(home.kills - before, person.user.videos.count(), found)
        return found

    return judge
