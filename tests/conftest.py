"""The people, the clients and the real servers that tests are written with."""

import threading
import time
from collections.abc import Callable, Iterator
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
from tests import mail, schema
from tests.backing import free_port
from videos.engines import base
from videos.jobs.worker import executor
from videos.models import Video


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what uses a database; leave out what only the other way of running has."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & {"db", "transactional_db"} or any(item.iter_markers("django_db")):
            item.add_marker("database")
    other = "embedded" if configured.REDIS_URL else "scaled"
    left_out = [item for item in items if item.get_closest_marker(other)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """On SQLite the append-only triggers would also stop a test's own clean-up."""
    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
                for (name,) in cursor.fetchall():
                    cursor.execute(f"DROP TRIGGER {name}")


@pytest.fixture(autouse=True)
def _fast_and_fresh(settings: LazySettings, tmp_path: Any) -> Iterator[None]:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    base.get.cache_clear()
    translation.deactivate()  # a test before may have spoken another
    yield
    base.get.cache_clear()


@pytest.fixture(autouse=True, scope="session")
def _answers_are_as_the_schema_says() -> Iterator[None]:
    """Every JSON answer of every test is held against the API's schema."""
    real = APIClient.request

    def request(self: APIClient, **sent: Any) -> Any:
        answer: Any = real(self, **sent)
        kind = answer.headers.get("Content-Type", "")
        path, method = sent.get("PATH_INFO", ""), sent.get("REQUEST_METHOD", "GET")
        if method != "HEAD" and not answer.streaming:
            body = answer.json() if kind.startswith("application/json") else None
            assert schema.complaints(method, path, answer.status_code, kind, body) == []
        return answer

    APIClient.request = request  # type: ignore[method-assign]
    yield
    APIClient.request = real  # type: ignore[method-assign]


@pytest.fixture
def mail_errors(settings: LazySettings) -> Iterator[dict[str, Exception]]:
    """What the mail server answers to an address, or to "*"; empty, it takes everything."""
    settings.EMAIL_BACKEND = "tests.mail.Backend"
    mail.Backend.tried.clear()
    yield mail.Backend.errors
    mail.Backend.errors.clear()


def create_user(name: str, **fields: Any) -> User:
    """A user with the welcome credits; the password is the name and "-password"."""
    return signup.open_account(name, f"{name}@example.com", f"{name}-password", **fields)


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
    """A member of staff's browser."""
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def anonymous() -> APIClient:
    return APIClient()


def signed_in(user: User) -> APIClient:
    """An API client with this user's bearer token."""
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
    """Alice's browser session, without a browser."""
    client = Client()
    client.force_login(alice)
    return client


class ServerThread:
    """A real server in this process, on a port of its own."""

    def __init__(self, app: ASGIApplication | str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = uvicorn.Config(
            app,
            port=self.port,
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


@pytest.fixture
def work() -> Iterator[Callable[..., None]]:
    """Do the background work until a condition holds; fails after `seconds`."""
    engine = executor.Executor(4)

    def until(done: Callable[[], bool], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, list(Video.objects.values("status", "failure_code"))
            engine.turn()

    yield until
    engine.close()
    connections.close_all()


@pytest.fixture
def finish(work: Callable[..., None]) -> Callable[[Video], Video]:
    """Work until a video has ended, and return it as it is then."""

    def wait(video: Video) -> Video:
        work(lambda: not Video.objects.get(pk=video.pk).is_active)
        return Video.objects.get(pk=video.pk)

    return wait
