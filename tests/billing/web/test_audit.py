"""The public page about the last audit."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.test import Client

from billing.models import AuditRun, Entry
from tests.billing.web import pages


@pytest.mark.django_db
def test_audit_page_says_so_when_no_audit_has_run(client: Client) -> None:
    assert "No audit has run yet." in pages.text_of(client, "/proof/")


@pytest.mark.parametrize(
    ("problems", "words"),
    [([], "No problems were found."), (["x", "y"], "2 problems were found")],
)
@pytest.mark.django_db
def test_audit_page_shows_totals_and_no_details_when_an_audit_has_run(
    client: Client, problems: list[str], words: str
) -> None:
    secret = f"payment {uuid4()} is under review"
    at = datetime(2026, 1, 2, 3, 17, tzinfo=UTC)
    for n in (0, 1234):
        AuditRun.objects.create(
            run_at=at.replace(year=2025 + (n > 0)),
            accounts=n + 1,
            entries=n + 2,
            videos=n + 3,
            payments=n + 4,
            problems=[secret for _ in problems],
        )
    shown = pages.text_of(client, "/proof/")
    assert words in shown
    assert secret not in shown
    assert [str(n) for n in ("1,235", "1,236", "1,237", "1,238") if str(n) not in shown] == []
    assert "2 January 2026, 03:17 UTC" in " ".join(shown.split())


def test_audit_page_is_linked_when_the_start_page_is_open(client: Client, db: None) -> None:
    assert 'href="/proof/"' in pages.text_of(client, "/")
    assert Entry.objects.count() == 0
