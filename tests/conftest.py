"""Users, clients, servers and the worker that tests share."""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from asgiref.typing import ASGIApplication
from django.conf import LazySettings
from django.conf import settings as configured
from django.db import connection, connections
from django.test import Client
from django.utils import translation
from rest_framework.test import APIClient

from accounts.auth import tokens as auth_tokens
from accounts.models import Session, User
from accounts.people import signup
from config.lib import clock
from config.server.header_limits import LimitedProtocol
from tests import cleanup, mail, migrated, schema, slow_work, tiers
from tests.backing import free_port
from videos.engines import base
from videos.jobs.worker import executor
from videos.models import Video

PAUSE_SECONDS = 0.2
# They use browsers and processes, each for half a minute or longer.
SLOW = ("tests/e2e/", "tests/faults/", "tests/test_fuzz.py")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Iterator[None]:
    """Mark tests that use a database; deselect what belongs to the other mode or its tier.

    The slow files come first, so that no worker is left with one of them at the end.
    """
    select(config, items)
    yield  # here pytest-django sorts
    items.sort(key=lambda item: not item.nodeid.startswith(SLOW))


def select(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & {"db", "transactional_db"} or any(item.iter_markers("django_db")):
            item.add_marker("database")
    other = "embedded" if configured.REDIS_URL else "scaled"
    left_out = tiers.left_to_sqlite(items) | {
        item for item in items if item.get_closest_marker(other)
    }
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=list(left_out))


def pytest_collection_finish() -> None:
    """Leave out of every search for garbage what lives until the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool) -> bool:
    """Keep the database that `django_db_modify_db_settings` puts in its place."""
    return django_db_keepdb or connection.vendor == "sqlite"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Copy a migrated database on SQLite, because to migrate takes each worker some seconds."""
    if connection.vendor == "sqlite":
        migrated.copy(Path(connection.settings_dict["TEST"]["NAME"]))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Drop the append-only triggers on SQLite, where they would block the clean-up after a test."""
    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                own = "type = 'trigger' AND tbl_name LIKE 'billing_%'"
                cursor.execute(f"SELECT name FROM sqlite_master WHERE {own}")
                for (name,) in cursor.fetchall():
                    cursor.execute(f"DROP TRIGGER {name}")
    cleanup.replace_flush()


@pytest.fixture(autouse=True)
def _fast_hashing_and_fresh_engines(settings: LazySettings) -> Iterator[None]:
    settings.PASSWORD_HASHERS = ["tests.slow_work.WatchedHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.USE_DATABASE_CLOCK = False  # tests move the time of this process
    base.get.cache_clear()
    translation.deactivate()  # an earlier test may have activated another language
    yield
    base.get.cache_clear()


@pytest.fixture(autouse=True)
def _no_slow_work_in_transactions() -> Iterator[None]:
    """Fail a test in which our code hashes, uses the network or changes files in a transaction."""
    slow_work.found.clear()
    yield
    assert slow_work.found == []


@pytest.fixture(autouse=True, scope="session")
def _validate_answers() -> Iterator[None]:
    """Validate every JSON answer of every test against the API's schema."""
    real = APIClient.request

    def request(self: APIClient, **arguments: Any) -> Any:
        answer: Any = real(self, **arguments)
        content_type = answer.headers.get("Content-Type", "")
        path, method = arguments.get("PATH_INFO", ""), arguments.get("REQUEST_METHOD", "GET")
        if method != "HEAD" and not answer.streaming:
            body = answer.json() if content_type.startswith("application/json") else None
            assert schema.violations(method, path, answer.status_code, content_type, body) == []
        return answer

    APIClient.request = request  # type: ignore[method-assign]
    yield
    APIClient.request = real  # type: ignore[method-assign]


@pytest.fixture
def database_clock(settings: LazySettings) -> None:
    """Leases and deadlines go by the database's clock, as they do outside of tests."""
    settings.USE_DATABASE_CLOCK = True


@pytest.fixture
def mail_errors(settings: LazySettings) -> Iterator[dict[str, Exception]]:
    """The errors that the mail server raises by address, or for "*"; empty by default."""
    settings.EMAIL_BACKEND = "tests.mail.Backend"
    yield mail.Backend.errors
    mail.Backend.errors.clear()


def create_user(name: str, **fields: Any) -> User:
    """Create a user with the welcome credits; the password is the name and "-password"."""
    return signup.open_account(
        name, f"{name}@example.com", f"{name}-password", by_operator=True, **fields
    )


@pytest.fixture
def alice(db: None) -> User:
    return create_user("alice")


@pytest.fixture
def bob(db: None) -> User:
    return create_user("bob")


@pytest.fixture
def staff(db: None) -> User:
    return create_user("staff", is_staff=True, is_superuser=True)


@pytest.fixture
def staff_client(staff: User) -> Client:
    """A client that is signed in as staff."""
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def anonymous() -> APIClient:
    return APIClient()


def signed_in(user: User) -> APIClient:
    """Return an API client with a bearer token of this user."""
    client = APIClient()
    tokens = auth_tokens.sign_in(user, Session.Grant.PASSWORD)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.access}")
    return client


@pytest.fixture
def api(alice: User) -> APIClient:
    """Alice's API client."""
    return signed_in(alice)


@pytest.fixture
def stranger(bob: User) -> APIClient:
    """Bob's API client."""
    return signed_in(bob)


@pytest.fixture
def page(alice: User) -> Client:
    """A client with a session of Alice."""
    client = Client()
    client.force_login(alice)
    return client


class ServerThread:
    """A real server in a thread of this process, on its own port."""

    def __init__(self, app: ASGIApplication | str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            app,
            port=self.port,
            http=LimitedProtocol,
            lifespan="off",
            log_config=None,
            access_log=False,
            ws="websockets-sansio",
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)

    def __enter__(self) -> "ServerThread":
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.should_exit = True
        self.thread.join(5)


@pytest.fixture(scope="session")
def _server() -> Iterator[ServerThread]:
    with ServerThread("config.asgi:application") as serving:
        yield serving


@pytest.fixture
def live(
    _server: ServerThread, transactional_db: None, settings: LazySettings, tmp_path: Any
) -> ServerThread:
    """The whole product on a real port, with the sandbox as its engine."""
    settings.BASE_URL = _server.url
    settings.SANDBOX_DIR = tmp_path / "sandbox"
    settings.SANDBOX_WEBHOOK_URL = f"{_server.url}/api/webhooks/sandbox"
    sandbox = {**settings.ENGINES["sandbox"], "base_url": f"{_server.url}/sandbox/v1"}
    settings.ENGINES = {"sandbox": sandbox}
    return _server


def cut_pauses() -> None:
    soon = clock.now() + timedelta(seconds=PAUSE_SECONDS)
    Video.objects.filter(lease=None, next_step_at__gt=soon).update(next_step_at=soon)


@pytest.fixture
def work() -> Iterator[Callable[..., None]]:
    """Return a function that runs the worker until a condition holds; it fails after `seconds`.

    A pause before the next attempt is cut to PAUSE_SECONDS; how long it is has tests of its own.
    """
    engine = executor.Executor(4)

    def until(done: Callable[[], bool], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, list(Video.objects.values("status", "failure_code"))
            if not engine.turn():
                cut_pauses()
                time.sleep(0.01)

    yield until
    engine.close()
    connections.close_all()


@pytest.fixture
def finish(work: Callable[..., None]) -> Callable[[Video], Video]:
    """Return a function that runs the worker until a video has ended, and returns the video."""

    def wait(video: Video) -> Video:
        work(lambda: not Video.objects.get(pk=video.pk).is_active)
        return Video.objects.get(pk=video.pk)

    return wait
