"""SESSION_STORE=redis: copies of page sessions in Redis, none of which outlives its row."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.auth import session_cache
from accounts.models import User
from config.environment import sessions
from tests.accounts.web.test_settings import browser_sign_in
from tests.config.environment.test_documented_names import read_settings
from tests.conftest import create_user

PAGE = "/settings/sessions/"
AWAY = "redis://127.0.0.1:1/0"


@pytest.fixture
def cached(settings: LazySettings) -> Iterator[None]:
    settings.SESSION_ENGINE = sessions.CACHED
    session_cache._redis.cache_clear()
    session_cache._redis().flushdb()
    yield
    session_cache._redis.cache_clear()


def browser(user: User, key: str = "") -> Client:
    """A browser in which the user is signed in and whose session has a copy by now."""
    client = Client()
    if key:
        client.cookies["sessionid"] = key
    else:
        client.force_login(user)
    assert is_signed_in(client)
    return client


def is_signed_in(client: Client) -> bool:
    return client.get(PAGE).status_code == 200


def key_of(client: Client) -> str:
    return client.cookies["sessionid"].value


def has_copy(client: Client) -> bool:
    return session_cache.read(key_of(client)) is not None


def unblock(key: str) -> None:
    """Do as time does: a block ends."""
    session_cache._redis().delete(session_cache._name(key))


@pytest.mark.scaled
@pytest.mark.usefixtures("cached")
def test_rows_are_not_read_while_there_is_a_copy(alice: User) -> None:
    client = browser(alice)
    unblock(key_of(client))  # of the first visit, which noted the browser
    client.get("/studio/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/studio/")
    assert [q["sql"] for q in queries if 'FROM "django_session"' in q["sql"]] == []
    assert has_copy(client)


@pytest.mark.scaled
@pytest.mark.usefixtures("cached")
def test_sign_out_ends_the_session_at_once_for_whoever_has_its_cookie(alice: User) -> None:
    client = browser(alice)
    unblock(key_of(client))
    thief = browser(alice, key_of(client))
    assert has_copy(thief)
    client.post("/accounts/logout/")
    assert not is_signed_in(thief)


@pytest.mark.scaled
@pytest.mark.usefixtures("cached")
def test_ending_other_sessions_ends_exactly_those(alice: User) -> None:
    mine, other = browser_sign_in(alice, "Firefox"), browser_sign_in(alice, "Chrome")
    for client in (mine, other):
        unblock(key_of(client))
        is_signed_in(client)
    assert (has_copy(mine), has_copy(other)) == (True, True)
    mine.post("/settings/sessions/end/", {"others": "1"})
    assert (is_signed_in(mine), is_signed_in(other)) == (True, False)
    assert len(mine.get(PAGE).context["browsers"]) == 1


@pytest.mark.scaled
@pytest.mark.usefixtures("cached")
def test_copy_of_one_who_read_before_the_end_and_wrote_after_it_does_not_count(alice: User) -> None:
    client = browser(alice)
    key, read_at = key_of(client), session_cache.now()
    data = Session.objects.get(session_key=key).session_data
    client.post("/accounts/logout/")
    session_cache.fill(key, data, read_at)
    assert session_cache.read(key) is None
    # One that stood still until the block ended writes a copy that has ended too.
    unblock(key)
    session_cache.fill(key, data, read_at - session_cache.KEPT_SECONDS)
    assert session_cache.read(key) is None


@pytest.mark.scaled
@pytest.mark.usefixtures("cached")
def test_sign_out_counts_when_redis_is_away_and_comes_back_with_the_copy(
    alice: User, settings: LazySettings
) -> None:
    client = browser(alice)
    unblock(key_of(client))
    thief = browser(alice, key_of(client))
    here, settings.REDIS_URL = settings.REDIS_URL, AWAY
    session_cache._redis.cache_clear()
    client.post("/accounts/logout/")
    settings.REDIS_URL = here
    session_cache._redis.cache_clear()
    assert has_copy(thief)
    assert not is_signed_in(thief)


@pytest.mark.scaled
@pytest.mark.usefixtures("cached")
def test_pages_are_served_from_rows_while_redis_is_away(
    alice: User, settings: LazySettings
) -> None:
    client = browser(alice)
    settings.REDIS_URL = AWAY
    session_cache._redis.cache_clear()
    assert is_signed_in(client)


@pytest.mark.scaled
@pytest.mark.usefixtures("cached")
def test_viewing_as_a_user_is_never_copied_and_ends_at_once(alice: User) -> None:
    staff = create_user("helper", is_staff=True)
    staff.user_permissions.set(
        Permission.objects.filter(codename__in=["view_user", "open_as_user"])
    )
    client = Client()
    client.force_login(staff)
    client.post(f"/admin/accounts/user/{alice.pk}/view-as/", {"reason": "Ticket 7"})
    unblock(key_of(client))
    assert "You see this page as" in client.get("/studio/").content.decode()
    assert not has_copy(client)
    client.post("/viewing/stop/")
    assert "You see this page as" not in client.get("/studio/").content.decode()


@pytest.mark.scaled
@pytest.mark.usefixtures("cached")
def test_new_password_ends_the_sessions_that_have_copies(alice: User) -> None:
    client = browser(alice)
    unblock(key_of(client))
    is_signed_in(client)
    alice.set_password("another long password")
    alice.save()
    assert has_copy(client)
    assert not is_signed_in(client)


def test_copies_are_used_when_the_setting_says_so(tmp_path: Path) -> None:
    environment = {"SESSION_STORE": "redis", "REDIS_URL": "redis://r/0"}
    found = read_settings(tmp_path, ["SESSION_ENGINE"], **environment)
    assert found == {"SESSION_ENGINE": "accounts.auth.cached_sessions"}


def test_copies_are_refused_without_redis() -> None:
    with pytest.raises(ImproperlyConfigured, match="SESSION_STORE=redis needs REDIS_URL"):
        sessions.engine("redis", "")
