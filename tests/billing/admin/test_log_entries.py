"""The audit log shows what staff did, and nobody can change it."""

from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import User
from tests.billing.admin import adjustment_form, audit_log


def test_audit_log_is_unchanged_when_staff_try_to_edit_it(
    staff_client: Client, alice: User
) -> None:
    adjustment_form.submit(staff_client, alice, 50)
    shown = staff_client.get("/admin/admin/logentry/")
    assert "+50 credits: Sorry" in shown.content.decode()
    entry = LogEntry.objects.get()
    for word in ("change", "delete"):
        staff_client.post(f"/admin/admin/logentry/{entry.pk}/{word}/", {"change_message": "x"})
    assert staff_client.post("/admin/admin/logentry/add/").status_code == 403
    assert audit_log.log_messages() == ["+50 credits: Sorry"]
