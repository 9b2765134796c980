"""The log of API calls: what is logged, when it is written, how long it is kept."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts import tasks
from accounts.auth import api_keys
from accounts.auth.key_limits import KeyLimits
from accounts.models import ApiKey, ApiRequest, User
from accounts.people import deletion
from accounts.request_log import buffer, retention
from accounts.request_log.writer import Writer
from tests.conftest import signed_in
from tests.markup import flat
from tests.statements import failing, writes

PATH = "/api/users/requests"
PAGE = "/developers/requests/"
ORDER = {"prompt": "A paper boat", "model": "sora-2", "seconds": 4}


@pytest.fixture(autouse=True)
def _nothing_waits() -> Iterator[None]:
    buffer.take_all()
    yield
    buffer.take_all()


@pytest.fixture
def key(alice: User) -> ApiKey:
    return api_keys.issue(alice, "shop", ["read", "generate"])[0]


def client_of(user: User, *scopes: str, **limits: Any) -> APIClient:
    text = api_keys.issue(user, "shop", list(scopes), limits=KeyLimits(**limits))[1]
    return APIClient(headers={"Authorization": f"Bearer {text}"})


def logged() -> list[tuple[Any, ...]]:
    """Write what waits, and return method, path, status, credits and key of every row."""
    Writer().write()
    names = ("method", "path", "status", "credits", "api_key__name")
    return list(ApiRequest.objects.order_by("pk").values_list(*names))


def create_rows(user: User, count: int, **fields: Any) -> None:
    row = {"method": "GET", "path": "/api/videos", "status": 200, "took_ms": 12, "request_id": "r"}
    values = {**row, "created_at": timezone.now(), "user": user, **fields}
    ApiRequest.objects.bulk_create(ApiRequest(**values) for _ in range(count))


# ---- what is logged ----


def test_call_is_logged_with_its_key_credits_and_request_id(
    transactional_db: None, alice: User
) -> None:
    client = client_of(alice, "read", "generate")
    client.post("/api/videos?secret=1", ORDER, headers={"X-Request-ID": "mine-1"}, format="json")
    client.get("/v1/models")
    client.get("/api/nothing")  # nobody is asked who calls
    assert logged() == [
        ("POST", "/api/videos", 201, 20, "shop"),
        ("GET", "/v1/models", 200, 0, "shop"),
    ]
    first = ApiRequest.objects.order_by("pk")[0]
    assert (first.user, first.request_id, first.took_ms < 60_000) == (alice, "mine-1", True)
    assert abs(first.created_at - timezone.now()) < timedelta(minutes=1)


def test_refused_calls_are_logged_without_credits(transactional_db: None, alice: User) -> None:
    client_of(alice, "read").post("/api/videos", ORDER, format="json")
    client_of(alice, "generate", credits_per_day=1).post("/api/videos", ORDER, format="json")
    client_of(alice, "read", ip_ranges=("203.0.113.0/24",)).get("/v1/videos")
    assert logged() == [
        ("POST", "/api/videos", 403, 0, "shop"),
        ("POST", "/api/videos", 403, 0, "shop"),
        ("GET", "/v1/videos", 403, 0, "shop"),
    ]


def test_repeated_order_is_logged_without_credits(transactional_db: None, alice: User) -> None:
    client = client_of(alice, "generate")
    for _ in range(2):
        client.post("/api/videos", ORDER, headers={"Idempotency-Key": "1"}, format="json")
    assert [row[3] for row in logged()] == [20, 0]


def test_call_with_a_token_is_logged_without_a_key(api: APIClient, alice: User) -> None:
    api.get("/api/auth/me")
    text = api_keys.issue(alice, "both", ["read"])[1]
    api.get("/api/auth/me", headers={"X-API-Key": text})
    assert [row[4] for row in logged()] == [None, "both"]


def test_pages_strangers_and_bad_keys_are_not_logged(page: Client, anonymous: APIClient) -> None:
    page.get("/developers/keys/")
    page.get("/api/videos")  # with the cookie of the pages
    anonymous.get("/api/videos")
    anonymous.get("/api/videos", headers={"Authorization": "Bearer fl_nothing"})
    assert logged() == []


def test_path_is_stored_whatever_it_contains(api: APIClient) -> None:
    api.get("/v1/models/a%00b%1Bc" + "x" * 300)
    ((_method, path, *_others),) = logged()
    assert (path[:24], len(path)) == ("/v1/models/a\ufffdb\ufffdcxxxxxxxx", 200)


def test_nothing_is_logged_when_the_log_is_off(alice: User, settings: LazySettings) -> None:
    settings.REQUEST_LOG = timedelta()
    signed_in(alice).get("/api/auth/me")
    assert logged() == []
    page = Client()
    page.force_login(alice)
    shown = flat(page.get(PAGE))
    assert "This server keeps no log of requests." in shown
    assert "No program has sent a request yet." not in shown
    assert "requests.js" not in page.get(PAGE).content.decode()


# ---- writing ----


def test_call_needs_no_statement_for_the_log(alice: User) -> None:
    client = client_of(alice, "read")
    client.get("/api/auth/me")
    with CaptureQueriesContext(connection) as made:
        client.get("/api/auth/me")
    assert [query["sql"] for query in made if "apirequest" in query["sql"]] == []


def test_many_calls_are_written_with_one_statement(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        api.get("/api/auth/me")
    with django_assert_num_queries(1):
        Writer().write()
    with django_assert_num_queries(0):
        Writer().write()
    assert ApiRequest.objects.count() == 5


def test_calls_wait_while_the_database_refuses(transactional_db: None, api: APIClient) -> None:
    api.get("/api/auth/me")
    with failing(writes("accounts_apirequest")), pytest.raises(OperationalError):
        Writer().write()
    api.get("/api/videos")
    assert [row[1] for row in logged()] == ["/api/auth/me", "/api/videos"]


def test_oldest_calls_are_dropped_when_too_many_wait() -> None:
    calls = [ApiRequest(status=n) for n in range(buffer.CAPACITY + 3)]
    buffer.put_back(calls[:-1])
    buffer.put_back(calls[-1:])
    kept = buffer.take_all()
    assert (kept[0].status, kept[-1].status, len(kept)) == (2, buffer.CAPACITY + 1, buffer.CAPACITY)


def test_call_with_a_key_that_is_gone_is_written(
    transactional_db: None, api: APIClient, alice: User
) -> None:
    client_of(alice, "read").get("/api/auth/me")
    api.get("/api/auth/me")
    ApiKey.objects.all().delete()
    assert [row[4] for row in logged()] == [None, None]


def test_thread_writes_within_a_second_and_at_the_end(transactional_db: None, alice: User) -> None:
    client = signed_in(alice)
    thread = Writer()
    thread.start()
    client.get("/api/auth/me")
    deadline = timezone.now() + timedelta(seconds=20)
    while not ApiRequest.objects.exists() and timezone.now() < deadline:
        pass
    client.get("/api/videos")
    thread.finish(20)
    paths = list(ApiRequest.objects.order_by("pk").values_list("path", flat=True))
    assert paths == ["/api/auth/me", "/api/videos"]


# ---- keeping ----


def test_old_rows_are_deleted(alice: User, settings: LazySettings) -> None:
    create_rows(alice, 1, created_at=timezone.now() - settings.REQUEST_LOG)
    create_rows(alice, 1, created_at=timezone.now() - settings.REQUEST_LOG + timedelta(minutes=1))
    tasks.delete_old_requests()
    assert ApiRequest.objects.count() == 1


def test_only_the_newest_rows_of_a_user_are_kept(alice: User, bob: User) -> None:
    create_rows(alice, 5)
    create_rows(bob, 3)
    newest = list(
        ApiRequest.objects.filter(user=alice).order_by("-pk").values_list("pk", flat=True)
    )
    retention.delete_old(most=3)
    kept = ApiRequest.objects.filter(user=alice).order_by("-pk").values_list("pk", flat=True)
    assert (list(kept), ApiRequest.objects.filter(user=bob).count()) == (newest[:3], 3)


def test_writer_keeps_the_number_of_rows_bounded(api: APIClient, alice: User) -> None:
    create_rows(alice, 5)
    for _ in range(2):
        api.get("/api/auth/me")
    Writer(trim_after=2, most_per_user=3).write()
    assert ApiRequest.objects.count() == 3


def test_log_of_an_erased_account_is_deleted(alice: User, bob: User) -> None:
    create_rows(alice, 2)
    create_rows(bob, 1)
    deletion.erase(alice)
    assert [row.user for row in ApiRequest.objects.all()] == [bob]


# ---- reading ----


def row_ids(answer: Any) -> list[int]:
    return [row["id"] for row in answer.json()["requests"]]


def test_list_shows_a_call_with_all_fields(api: APIClient, alice: User, key: ApiKey) -> None:
    now = timezone.now()
    create_rows(alice, 1, api_key=key, credits=20, created_at=now, request_id="r-1")
    row = ApiRequest.objects.get()
    assert api.get(PATH).json() == {
        "requests": [
            {
                "id": row.pk,
                "created_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "method": "GET",
                "path": "/api/videos",
                "status": 200,
                "took_ms": 12,
                "credits": 20,
                "request_id": "r-1",
                "api_key_id": str(key.pk),
            }
        ],
        "next_before": None,
    }


def test_pages_have_every_call_once(
    api: APIClient, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    create_rows(alice, 5)
    everything = list(ApiRequest.objects.order_by("-pk").values_list("pk", flat=True))
    first = api.get(PATH, {"limit": 3})
    with django_assert_num_queries(2):
        second = api.get(PATH, {"limit": 3, "before": first.json()["next_before"]})
    assert (row_ids(first) + row_ids(second), second.json()["next_before"]) == (everything, None)


def test_calls_are_narrowed_down(api: APIClient, alice: User, key: ApiKey) -> None:
    create_rows(alice, 1, api_key=key, method="POST", status=201, request_id="wanted")
    create_rows(alice, 1, status=404)
    posted, missing = ApiRequest.objects.order_by("pk").values_list("pk", flat=True)
    found = {
        query: row_ids(api.get(f"{PATH}?{query}"))
        for query in (
            f"key={key.pk}",
            "key=token",
            "method=POST",
            "status=4xx",
            "status=5xx",
            "request_id=wanted",
            f"key={key.pk}&status=4xx",
        )
    }
    assert list(found.values()) == [[posted], [missing], [posted], [missing], [], [posted], []]


@pytest.mark.parametrize(
    "query",
    ["key=1", "method=TRACE", "status=200", "request_id=%20", "limit=0", "limit=101", "before=x"],
)
def test_list_is_422_when_the_query_is_wrong(api: APIClient, query: str) -> None:
    assert api.get(f"{PATH}?{query}").status_code == 422


def test_list_is_for_the_user_with_a_sign_in(
    api: APIClient, anonymous: APIClient, alice: User, bob: User, key: ApiKey
) -> None:
    create_rows(bob, 1)
    assert api.get(PATH).json() == {"requests": [], "next_before": None}
    assert anonymous.get(PATH).status_code == 401
    assert client_of(alice, "read", "generate", "billing").get(PATH).status_code == 403


def test_page_shows_and_narrows_down_the_log(
    page: Client, alice: User, bob: User, key: ApiKey
) -> None:
    assert Client().get(PAGE).status_code == 302
    assert "No program has sent a request yet." in flat(page.get(PAGE))
    create_rows(alice, 1, api_key=key, path="/api/videos/1", credits=20, request_id="wanted")
    create_rows(alice, 1, path="/api/videos/2", status=404)
    create_rows(bob, 1, path="/api/videos/3")
    answer = page.get(PAGE)
    assert (answer["Cache-Control"], "data-live" in flat(answer)) == ("no-store", True)
    shown = flat(answer)
    assert [f"/api/videos/{n}" in shown for n in (1, 2, 3)] == [True, True, False]
    for query, found in {
        f"key={key.pk}": [True, False],
        "key=token": [False, True],
        "key=nonsense&method=x&status=x&before=x": [True, True],
        "status=4xx": [False, True],
        "request_id=wanted": [True, False],
        "method=POST": [False, False],
    }.items():
        shown = flat(page.get(f"{PAGE}?{query}"))
        assert [f"/api/videos/{n}" in shown for n in (1, 2)] == found
    assert "No request matches." in shown


def test_page_has_older_calls_on_further_pages(
    page: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    create_rows(alice, 51)
    first = page.get(PAGE)
    place = first.context["page"].before
    with django_assert_max_num_queries(9):
        last = page.get(f"{PAGE}?before={place}")
    assert (len(first.context["page"].requests), len(last.context["page"].requests)) == (50, 1)
    assert ("data-live" in flat(last), f"before={place}" in flat(first)) == (False, True)


def test_page_shows_nothing_for_a_request_id_that_no_database_can_hold(page: Client) -> None:
    assert page.get(PAGE, {"request_id": "a\0b"}).status_code == 200
