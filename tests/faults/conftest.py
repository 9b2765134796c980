"""A deployment whose processes a test kills, and the summary of what went wrong."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.backing import OwnPostgres
from tests.engine_servers.local_engines import START, LocalEngine
from tests.faults import checks, processes, totals, users
from tests.faults.checks import Violations
from tests.faults.processes import Deployment, OwnRedis
from tests.faults.users import HttpUser
from tests.videos.conftest import clip
from videos.catalog import reading

FindViolations = Callable[..., Violations]
totals.open_folder()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if not hasattr(config, "workerinput") and (line := totals.close()):
        terminalreporter.write_line(line)


@pytest.fixture(scope="package")
def own_redis() -> Iterator[OwnRedis | None]:
    """A Redis that only these tests use; none in the embedded mode."""
    redis = OwnRedis() if processes.POSTGRES else None
    yield redis
    if redis:
        redis.kill()


@pytest.fixture(scope="package")
def own_postgres() -> Iterator[OwnPostgres | None]:
    """A PostgreSQL server that only these tests use; none in the embedded mode."""
    postgres = OwnPostgres() if processes.POSTGRES else None
    yield postgres
    if postgres:
        postgres.close()


@pytest.fixture(scope="package")
def local_engines() -> Iterator[dict[str, LocalEngine]]:
    """A local server of each kind of engine, which lives on when the product is killed."""
    with ExitStack() as stack:
        started = {kind: stack.enter_context(start()) for kind, start in START.items()}
        for engine in started.values():
            engine.server.clip = clip()
        yield started


@pytest.fixture(scope="package")
def _deployment(
    own_redis: OwnRedis | None,
    own_postgres: OwnPostgres | None,
    local_engines: dict[str, LocalEngine],
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: Any,
) -> Iterator[Deployment]:
    engines = {k: v for engine in local_engines.values() for k, v in engine.environment.items()}
    catalog = tmp_path_factory.mktemp("catalog") / "catalog.json"
    catalog.write_text(json.dumps({"models": [_made_at_replicate_only()]}))
    engines["CATALOG_FILE"] = str(catalog)
    opening = (
        processes.with_celery(own_redis.url, own_postgres.url, own_engine=True, engines=engines)
        if own_redis and own_postgres
        else processes.embedded(engines)
    )
    with django_db_blocker.unblock(), opening as deployment:
        checks.record_every_job(deployment)
        yield deployment


def _made_at_replicate_only() -> dict[str, Any]:
    """A model of the catalog without the engines that it prefers to Replicate."""
    presets = json.loads(reading.PRESETS.read_text())["models"]
    model: dict[str, Any] = next(entry for entry in presets if entry["id"] == "veo-3.1-fast")
    made = [binding for binding in model["bindings"] if binding["engine"] == "replicate"]
    return {**model, "bindings": made}


@pytest.fixture
def deployment(_deployment: Deployment, django_db_blocker: Any) -> Iterator[Deployment]:
    """The product with all its processes running; queries of the test go to its database."""
    with django_db_blocker.unblock(), checks.use_database_of(_deployment):
        _deployment.start_missing()
        yield _deployment


@pytest.fixture
def user(deployment: Deployment) -> HttpUser:
    return users.create_user(deployment)


@pytest.fixture
def find_violations(deployment: Deployment, user: HttpUser) -> FindViolations:
    """Start missing processes, wait until every video has ended, and return the violations."""
    before = deployment.kills

    def check() -> Violations:
        deployment.start_missing()
        checks.wait_until_ended(deployment, user)
        found = checks.find_violations_of(deployment, user)
        totals.add(deployment.kills - before, user.account.videos.count(), found)
        return found

    return check
