"""Staff pages of engines: what they show, and the button that asks an engine."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from tests.conftest import create_user
from tests.engine_servers import runway
from tests.engine_servers.runway import RunwayServer
from tests.videos.conftest import order
from tests.videos.conftest import running as made_running
from tests.videos.jobs.money.test_costs import RUNWAY
from videos.engines import base
from videos.engines.errors import OutOfCredit
from videos.jobs.engine_choice import circuit_breaker

LIST = "/admin/videos/enginecircuit/"
PAGE = f"{LIST}runway/change/"
ASK = f"{LIST}runway/ask/"


@pytest.fixture(autouse=True)
def server(settings: LazySettings) -> Iterator[RunwayServer]:
    with runway.running() as server:
        url = f"{server.url}/v1"
        settings.ENGINES = {"runway": {**RUNWAY, "base_url": url, "api_key": runway.KEY}}
        yield server


def ask(client: Client) -> list[str]:
    answer = client.post(ASK, follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_engine_is_shown_with_its_jobs_errors_and_spend(staff_client: Client, alice: User) -> None:
    video = made_running(order(alice, model="gen-4.5", seconds=5))
    order(alice, model="gen-4.5", seconds=2)
    circuit_breaker.record_submit("runway", video.pk, OutOfCredit("no credits left"))
    for url in (LIST, PAGE):
        text = " ".join(staff_client.get(url).content.decode().split())
        shown = [word in text for word in ("accepts orders", "no credits left", "$0.60")]
        assert shown == [True, True, True]
    row = staff_client.get(LIST).context["cl"].result_list[0]
    assert (row.figures.running, row.figures.waiting) == (1, 1)


def test_words_that_no_engine_makes_are_named(staff_client: Client, settings: LazySettings) -> None:
    def warned() -> list[str]:
        return [str(message) for message in staff_client.get(LIST).context["messages"]]

    refused = "which no engine makes: orders of it are refused. Set MODEL_ALIASES for"
    assert warned() == [
        f"The quality standard means Sora 2, {refused} sora-2.",
        f"The quality hd means Sora 2 Pro, {refused} sora-2-pro.",
    ]
    settings.MODEL_ALIASES = {"sora-2": "gen-4.5", "sora-2-pro": "kling-4"}
    assert warned() == []


def test_pages_need_as_many_queries_for_many_engines(
    staff_client: Client, settings: LazySettings, django_assert_max_num_queries: Any
) -> None:
    config = settings.ENGINES["runway"]
    settings.ENGINES = {f"runway-{n}": config for n in range(8)}
    with django_assert_max_num_queries(14):
        staff_client.get(LIST)


def test_engine_can_be_used_when_its_answer_is_good(
    staff_client: Client, server: RunwayServer
) -> None:
    assert "Ask the engine" in staff_client.get(PAGE).content.decode()
    assert ask(staff_client) == ["The engine runway can be used."]
    assert (server.posts, len(server.requests)) == (0, 1)
    assert LogEntry.objects.get().change_message == "Asked: it can be used"


def test_answer_says_what_is_wrong_when_the_key_is(
    staff_client: Client, settings: LazySettings
) -> None:
    settings.ENGINES = {"runway": {**settings.ENGINES["runway"], "api_key": "wrong"}}
    base.get.cache_clear()
    url = settings.ENGINES["runway"]["base_url"]
    (said,) = ask(staff_client)
    start = f"engine runway at {url}: the key is not accepted: set the right one ("
    assert said[: len(start)] == start
    assert LogEntry.objects.get().change_message == f"Asked: {said}"


def test_engine_is_not_asked_when_staff_lack_the_permission(server: RunwayServer, db: None) -> None:
    helper = create_user("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename="view_enginecircuit"))
    client = Client()
    client.force_login(helper)
    assert "Ask the engine" not in client.get(PAGE).content.decode()
    assert (client.post(ASK).status_code, server.requests) == (403, [])


def test_engine_is_not_asked_when_the_request_is_not_allowed(
    staff_client: Client, staff: User, page: Client, server: RunwayServer
) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(staff)
    answers = [
        strict.post(ASK), staff_client.get(ASK), staff_client.post(f"{LIST}nobody/ask/"),
        page.post(ASK, follow=True), Client().post(ASK),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [403, 405, 404, 403, 302]
    assert server.requests == []
