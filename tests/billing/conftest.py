"""A stopped clock, people without credits, and short words for reading the books."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.db import connections
from django.db.models import Model
from stripe._stripe_service import StripeService

from accounts.models import User
from billing.ledger import credits
from billing.models import Account, Allocation, Entry, Lot
from tests.conftest import ServerThread
from tests.verification.sandbox_stripe import sdk_shapes

T = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
_numbers = count(1)


@pytest.fixture
def clock(db: None) -> Iterator[time_machine.Traveller]:
    """The time is T until the test moves it."""
    with time_machine.travel(T, tick=False) as traveller:
        yield traveller


@pytest.fixture
def _described(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call to Stripe must be as the SDK's own annotations describe it."""
    request = StripeService._request

    def watched(self: StripeService, method: str, url: str, *words: Any, **names: Any) -> Any:
        params = names.get("params", words[0] if words else None)
        assert sdk_shapes.check_call(method, url, params) == []
        return request(self, method, url, *words, **names)

    monkeypatch.setattr(StripeService, "_request", watched)


@pytest.fixture
def stripe_server(
    _server: ServerThread, settings: LazySettings, tmp_path: Path, _described: None
) -> ServerThread:
    """The sandbox Stripe on a real port; a test hands on its events by itself."""
    settings.SANDBOX_DIR = tmp_path / "sandbox"
    settings.STRIPE_API_BASE = f"{_server.url}/sandbox/stripe"
    settings.SANDBOX_SPEED = 0
    return _server


@pytest.fixture
def till(live: ServerThread, settings: LazySettings, _described: None) -> ServerThread:
    """The whole product on a real port; its Stripe is the sandbox, where nothing takes time."""
    settings.STRIPE_API_BASE = f"{live.url}/sandbox/stripe"
    settings.SANDBOX_STRIPE_WEBHOOK_URL = f"{live.url}/api/payments/webhook/stripe"
    settings.FRONTEND_ORIGINS = [live.url]
    settings.SANDBOX_SPEED = 0
    return live


@pytest.fixture
def carol(db: None) -> User:
    """Somebody who has never had a credit."""
    return newcomer("carol")


@pytest.fixture
def dave(db: None) -> User:
    """Another one."""
    return newcomer("dave")


def newcomer(name: str) -> User:
    return User.objects.create(username=name, email=f"{name}@example.com")


def give(
    user: User, amount: int, *, until: datetime | None = None, kind: Lot.Kind = Lot.Kind.BONUS
) -> Entry:
    """A grant with a key of its own."""
    return credits.grant(user, amount, kind, f"test:grant:{next(_numbers)}", expires_at=until)


def lines(user: User) -> list[tuple[str, int]]:
    """The history, oldest first: type and amount."""
    return list(credits.history(user).reverse().values_list("type", "amount"))


def left(user: User) -> list[tuple[int, datetime | None]]:
    """What can be spent, in that order: how much, and until when."""
    return list(credits.open_lots(user).values_list("remaining", "expires_at"))


def everything() -> list[list[Any]]:
    """Every row of the books, to see that nothing was written."""
    tables: tuple[type[Model], ...] = (Account, Lot, Entry, Allocation)
    return [list(table._default_manager.order_by("pk").values_list()) for table in tables]


def outcomes(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """What the calls return or raise when all of them start at the same moment."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        start.wait(30)
        try:
            return call()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
