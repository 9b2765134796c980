"""The probes of orchestrators and load balancers; tests of stopping see them turn red."""

import pytest
from django.conf import LazySettings
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.statements import failing

DOWN = {"/health": "Service unavailable", "/readyz": "The database does not answer."}
PRIVATE_HOST = {"Host": "10.1.2.3:8000"}  # a probe names the process, not the site


def test_process_is_alive_without_a_database() -> None:
    answer = Client().get("/livez", headers=PRIVATE_HOST)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_process_is_ready_when_the_database_is_migrated(db: None) -> None:
    answer = Client().get("/readyz", headers=PRIVATE_HOST)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_process_is_not_ready_when_a_migration_is_missing(db: None) -> None:
    MigrationRecorder.Migration.objects.filter(app="showcase").delete()
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"detail": "The database is not migrated."})


def test_health_is_degraded_when_a_disk_is_nearly_full(db: None, settings: LazySettings) -> None:
    assert Client().get("/health").json()["status"] == "ok"
    settings.DISK_FREE_MIN_BYTES = 2**62
    assert Client().get("/health").json() == {"status": "degraded", "version": settings.VERSION}


@pytest.mark.parametrize(("path", "detail"), DOWN.items())
def test_probe_is_503_when_the_database_does_not_answer(
    db: None, settings: LazySettings, path: str, detail: str
) -> None:
    settings.ENGINES = {}  # whose circuits would be asked for too
    client = Client(raise_request_exception=False)
    with failing(lambda _sql, _parameters: True):
        answer = client.get(path)
    assert (answer.status_code, answer.json()) == (503, {"detail": detail})


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/health"])
def test_probes_can_only_be_read(db: None, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post(path, headers=PRIVATE_HOST if path != "/health" else {})
    assert (answer.status_code, answer["Allow"], answer.json()) == (
        *(405, "GET, HEAD"),
        {"detail": "Method not allowed"},
    )
    assert client.head(path).status_code == 200


def test_health_costs_two_statements(
    db: None, client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):  # paused engines, stuck e-mails
        client.get("/health")
