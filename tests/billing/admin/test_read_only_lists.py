"""The lists of the billing staff pages open, and refuse new rows."""

import pytest
from django.test import Client

from billing.models import Account, AuditRun, Payment


@pytest.mark.parametrize("model", ["account", "entry", "payment", "stripeevent", "auditrun"])
def test_list_opens_and_refuses_new_rows_when_staff_visit_it(
    staff_client: Client, mismatched: Payment, model: str
) -> None:
    AuditRun.objects.create(
        run_at=mismatched.created_at, accounts=1, entries=0, videos=0, payments=0
    )
    assert Account.objects.count() > 0
    assert staff_client.get(f"/admin/billing/{model}/").status_code == 200
    assert staff_client.post(f"/admin/billing/{model}/add/").status_code == 403


def test_lists_have_proper_plural_names_when_shown_on_the_first_page(staff_client: Client) -> None:
    text = staff_client.get("/admin/").content.decode()
    assert "Entrys" not in text
    assert "Ledger entries" in text
