"""A stopped clock, users without credits, and short functions that read the ledger."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.db.models import Model
from stripe._stripe_service import StripeService

from accounts.models import User
from billing.ledger import credits
from billing.models import Account, Allocation, Entry, Lot
from tests.conftest import ServerThread
from tests.verification.sandbox_stripe import sdk_shapes

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
_numbers = count(1)


@pytest.fixture
def clock(db: None) -> Iterator[time_machine.Traveller]:
    """Stop the clock at START until the test moves it."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def _checked_stripe_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check every call to Stripe against the SDK's own annotations."""
    request = StripeService._request

    def watched(self: StripeService, method: str, url: str, *words: Any, **names: Any) -> Any:
        params = names.get("params", words[0] if words else None)
        assert sdk_shapes.check_call(method, url, params) == []
        return request(self, method, url, *words, **names)

    monkeypatch.setattr(StripeService, "_request", watched)


@pytest.fixture
def stripe_server(
    _server: ServerThread, settings: LazySettings, tmp_path: Path, _checked_stripe_calls: None
) -> ServerThread:
    """The sandbox Stripe on a real port; a test delivers its events itself."""
    settings.SANDBOX_DIR = tmp_path / "sandbox"
    settings.STRIPE_API_BASE = f"{_server.url}/sandbox/stripe"
    settings.SANDBOX_SPEED = 0
    return _server


@pytest.fixture
def live_stripe(
    live: ServerThread, settings: LazySettings, _checked_stripe_calls: None
) -> ServerThread:
    """The whole site on a real port with the sandbox Stripe, without delays."""
    settings.STRIPE_API_BASE = f"{live.url}/sandbox/stripe"
    settings.SANDBOX_STRIPE_WEBHOOK_URL = f"{live.url}/api/payments/webhook/stripe"
    settings.FRONTEND_ORIGINS = [live.url]
    settings.SANDBOX_SPEED = 0
    return live


@pytest.fixture
def carol(db: None) -> User:
    """A user who never had credits."""
    return create_user_without_credits("carol")


@pytest.fixture
def dave(db: None) -> User:
    """Another user who never had credits."""
    return create_user_without_credits("dave")


def create_user_without_credits(name: str) -> User:
    return User.objects.create(username=name, email=f"{name}@example.com")


def grant_credits(
    user: User, amount: int, *, until: datetime | None = None, kind: Lot.Kind = Lot.Kind.BONUS
) -> Entry:
    """Grant credits with a key of their own."""
    return credits.grant(user, amount, kind, f"test:grant:{next(_numbers)}", expires_at=until)


def entries_of(user: User) -> list[tuple[str, int]]:
    """Return the user's entries, oldest first: (type, amount)."""
    return list(credits.history(user).reverse().values_list("type", "amount"))


def open_lots_of(user: User) -> list[tuple[int, datetime | None]]:
    """Return the open lots in spending order: (credits, expiry)."""
    return list(credits.open_lots(user).values_list("remaining", "expires_at"))


def ledger_rows() -> list[list[Any]]:
    """Return every row of the ledger, to check that nothing was written."""
    tables: tuple[type[Model], ...] = (Account, Lot, Entry, Allocation)
    return [list(table._default_manager.order_by("pk").values_list()) for table in tables]
