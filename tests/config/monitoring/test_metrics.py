"""What Prometheus reads: who may read it, what requests and orders add, what the tables say."""

from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_network
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import httpx2
import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from config.environment.monitoring import read_balances, read_networks
from config.lib import clock
from config.lib.metrics import counting
from config.monitoring import port
from tests.backing import free_port
from tests.config.monitoring.conftest import TOKEN
from tests.config.monitoring.scrape import Scrape
from tests.conftest import signed_in
from tests.statements import failing
from tests.videos.conftest import answered, claimed, deliver_due, failed, order, running
from videos.engines.base import JobState
from videos.engines.errors import Unavailable
from videos.jobs import state_machine
from videos.jobs.worker import settle
from videos.models import EngineCircuit, Video
from videos.reports import refund_audit

Read = Callable[[], Scrape]
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("networks", "headers", "status"),
    [
        ("", {}, 404),
        ("", {"Authorization": "Bearer wrong"}, 404),
        ("", {**BEARER, "Host": "10.1.2.3:8000"}, 200),
        ("10.0.0.0/8", {}, 404),
        ("127.0.0.0/8", {}, 200),
        # From a proxy that is not trusted, every client has the address of the proxy.
        ("127.0.0.0/8", {"X-Forwarded-For": "203.0.113.9"}, 404),
        ("127.0.0.0/8", {**BEARER, "X-Forwarded-For": "203.0.113.9"}, 200),
    ],
)
def test_metrics_are_for_the_token_and_the_networks(
    db: None, settings: LazySettings, networks: str, headers: dict[str, str], status: int
) -> None:
    settings.METRICS, settings.METRICS_TOKEN = True, TOKEN
    settings.METRICS_NETWORKS = read_networks(networks)
    assert Client().get("/metrics", headers=headers).status_code == status


def test_metrics_are_not_there_by_default(db: None, settings: LazySettings) -> None:
    assert (settings.METRICS, settings.METRICS_NETWORKS) == (False, ())
    assert Client().get("/metrics", headers=BEARER).status_code == 404


@pytest.mark.parametrize("text", ["10.0.0.0/40", "office"])
def test_network_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text.partition("/")[0]):
        read_networks(text)


def test_settings_of_lists_are_read() -> None:
    assert read_networks("10.1.0.0/16, 127.0.0.1") == (
        ip_network("10.1.0.0/16"),
        ip_network("127.0.0.1/32"),
    )
    assert read_balances("runway=500, kie=0.5") == {"runway": 500, "kie": 0.5}
    with pytest.raises(ValueError, match="such as runway=500"):
        read_balances("runway")


def test_requests_are_counted_by_the_name_of_their_route(scrape: Read, alice: User) -> None:
    before = scrape()
    api, visitor = signed_in(alice), Client()
    video = order(alice)
    api.get(f"/api/videos/{video.pk}")
    api.get(f"/api/videos/{video.pk}")
    visitor.get("/nothing-here/secret-token")
    visitor.generic("BREW", "/livez")
    after = scrape()
    route = {"route": "api-video", "method": "GET", "status": "200"}
    none = {"route": "none", "method": "GET", "status": "404"}
    name = "http_requests_total"
    assert after.value(name, **route) - before.value(name, **route) == 2
    assert after.value(name, **none) - before.value(name, **none) == 1
    count = "http_request_seconds_count"
    assert after.value(count, route="api-video") - before.value(count, route="api-video") == 2


def test_credits_are_counted_once_they_are_committed(
    transactional_db: None, scrape: Read, alice: User, api: APIClient
) -> None:
    before = scrape()
    body = {"prompt": "A paper boat", "seconds": "4"}
    created = api.post("/api/videos", body, format="json").json()
    video = Video.objects.get(pk=created["id"])
    state_machine.cancel(video)
    refused = api.post("/api/videos", {"prompt": "x" * 9, "seconds": "5000"}, format="json")
    assert refused.status_code in {400, 422}
    after = scrape()

    def added(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    assert added("credits_total", type="spent") == video.credits
    assert added("credits_total", type="refunded") == video.credits
    assert added("videos_ended_total", engine=video.engine, status="cancelled") == 1


def test_polls_and_errors_of_engines_are_counted(scrape: Read, alice: User) -> None:
    before = scrape()
    video = running(order(alice))
    answered(video, JobState.RUNNING, progress=10)
    settle.settle([(claimed(video), Unavailable("no answer"))])
    after = scrape()
    name, labels = "engine_errors_total", {"step": "running", "kind": "Unavailable"}
    of = {"engine": video.engine}
    assert after.value("engine_polls_total", **of) - before.value("engine_polls_total", **of) == 2
    assert after.value(name, **of, **labels) - before.value(name, **of, **labels) == 1


def test_queue_circuits_audit_and_webhooks_are_read_from_the_tables(
    scrape: Read, alice: User, settings: LazySettings
) -> None:
    now = clock.now()
    rendering, waiting, paused = running(order(alice)), order(alice), order(alice)
    Video.objects.filter(pk=waiting.pk).update(created_at=now - timedelta(minutes=10))
    Video.objects.filter(pk=paused.pk).update(paused_at=now, next_step_at=None)
    late = now - timedelta(minutes=5)
    Video.objects.filter(pk=rendering.pk).update(next_step_at=late, lease=None)
    name = next(iter(settings.ENGINES))
    EngineCircuit.objects.update_or_create(name=name, defaults={"opened_at": now})
    refund_audit.run_audit()
    found = scrape()
    states = ("queued", "paused", "running", "downloading")
    assert [found.value("videos", state=state) for state in states] == [1, 1, 1, 0]
    assert 600 <= found.value("videos_oldest_seconds", state="queued") < 620
    assert 300 <= found.value("queue_overdue_seconds", queue="steps") < 320
    assert found.value("queue_waiting", queue="steps") == 1
    assert found.value("engine_circuit_open", engine=name) == 1
    assert 0 <= found.value("audit_age_seconds") < 20
    assert (found.value("audit_problems"), found.value("database_up")) == (0, 1)
    assert "firstlight_credits_total" in found.names
    if connection.vendor == "postgresql":
        assert found.value("database_connections", state="used") >= 1
        assert found.value("database_connections", state="most") >= 10
    assert found.value("disk_free_bytes", folder=str(settings.DATA_DIR)) > 0


def test_attempts_of_webhooks_are_counted(scrape: Read, alice: User) -> None:
    before = scrape()
    video = order(alice)
    Video.objects.filter(pk=video.pk).update(webhook_url="https://127.0.0.1/hook")
    failed(video)
    assert scrape().value("queue_waiting", queue="webhooks") == 1
    deliver_due()
    after = scrape()
    name, labels = "webhook_attempts_total", {"result": "blocked"}
    assert after.value(name, **labels) - before.value(name, **labels) == 1
    assert after.value("queue_waiting", queue="webhooks") == 0


def test_page_costs_the_same_statements_however_many_rows_there_are(
    scrape: Read, alice: User
) -> None:
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            scrape()
        counts.append(len(captured))
        order(alice)
        order(alice)
    most = 12 if connection.vendor == "postgresql" else 11
    assert (counts[0] == counts[1], counts[0] <= most) == (True, True)


def test_page_is_whole_when_the_database_does_not_answer(scrape: Read) -> None:
    scrape()
    with failing(lambda _sql, _parameters: True):
        found = scrape()
    assert found.value("database_up") == 0
    assert "firstlight_disk_free_bytes" in found.names
    assert "firstlight_videos" not in found.names


def test_worker_answers_on_a_port_of_its_own(settings: LazySettings) -> None:
    settings.METRICS, settings.METRICS_TOKEN = True, TOKEN
    settings.BIND, settings.METRICS_PORT = "127.0.0.1", free_port()
    url = f"http://127.0.0.1:{settings.METRICS_PORT}/metrics"
    server = port.start()
    assert server
    try:
        counting.poll("of-the-worker")
        with urlopen(Request(url, headers=BEARER), timeout=5) as answer:
            found = Scrape(answer.read().decode())
        with pytest.raises(HTTPError) as refused:
            urlopen(url, timeout=5)
    finally:
        server.shutdown()
        server.server_close()
    assert refused.value.code == 404
    assert found.value("engine_polls_total", engine="of-the-worker") >= 1
    # The rows are counted by the web processes.
    assert "firstlight_videos" not in found.names


@pytest.mark.parametrize(("headers", "code"), [({}, 200), ({"X-Forwarded-For": "127.0.0.1"}, 404)])
def test_port_of_a_worker_believes_no_header(
    settings: LazySettings, headers: dict[str, str], code: int
) -> None:
    settings.METRICS, settings.TRUSTED_PROXIES = True, 1
    settings.METRICS_NETWORKS = (ip_network("127.0.0.0/8"),)
    settings.BIND, settings.METRICS_PORT = "127.0.0.1", free_port()
    server = port.start()
    assert server
    try:
        url = f"http://127.0.0.1:{settings.METRICS_PORT}/metrics"
        answer = httpx2.get(url, headers=headers)
    finally:
        server.shutdown()
        server.server_close()
    assert answer.status_code == code


def test_worker_has_no_port_by_default(settings: LazySettings) -> None:
    settings.METRICS = True
    assert port.start() is None
