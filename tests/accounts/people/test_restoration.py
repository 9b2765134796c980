"""The e-mail after a deletion request, and its link that restores the account within 30 days."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.people import deletion as people_deletion
from accounts.people import restoration
from videos.account import deletion as account_deletion

pytestmark = pytest.mark.django_db


def restoration_link() -> str:
    body = str(mail.outbox[-1].body)
    (path,) = re.findall(r"http://127\.0\.0\.1:8000(/accounts/return/\S+)", body)
    return str(path)


def test_e_mail_with_the_deletion_date_is_sent_once(alice: User) -> None:
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        account_deletion.request_deletion(alice)
        assert [restoration.send_emails(), restoration.send_emails()] == [1, 0]
    (message,) = mail.outbox
    assert (message.to, message.subject) == (
        ["alice@example.com"],
        "Your account will be deleted on 31 March 2026",
    )
    assert "You asked us to delete your account alice." in str(message.body)


def test_account_is_restored_when_the_link_is_confirmed(alice: User) -> None:
    account_deletion.request_deletion(alice)
    restoration.send_emails()
    client, path = Client(), restoration_link()
    assert b"Restore the account alice?" in client.get(path).content
    assert not User.objects.get().is_active
    assert client.post(path)["Location"] == "/accounts/login/"
    assert User.objects.get().is_active
    assert client.login(username="alice", password="alice-password")
    assert [Client().get(path).status_code, Client().post(path).status_code] == [404, 404]


def test_link_is_invalid_when_deletion_is_requested_again(alice: User) -> None:
    account_deletion.request_deletion(alice)
    restoration.send_emails()
    old = restoration_link()
    people_deletion.restore(alice)
    account_deletion.request_deletion(alice)
    assert restoration.send_emails() == 1
    assert Client().post(old).status_code == 404
    assert (User.objects.get().is_active, Client().post(restoration_link()).status_code) == (
        False,
        302,
    )


def test_link_is_invalid_when_staff_lock_the_account_afterwards(
    alice: User, staff_client: Client
) -> None:
    account_deletion.request_deletion(alice)
    restoration.send_emails()
    form = {"action": "lock", "_selected_action": [str(alice.pk)], "confirm": "1", "reason": "spam"}
    assert staff_client.post("/admin/accounts/user/", form).status_code == 302
    assert Client().post(restoration_link()).status_code == 404
    assert not User.objects.get(pk=alice.pk).is_active


@pytest.mark.parametrize("token", ["x", "WyJ4Iiwx.a.b"])
def test_account_stays_closed_when_the_link_is_malformed(alice: User, token: str) -> None:
    account_deletion.request_deletion(alice)
    answer = Client().post(f"/accounts/return/{token}/")
    assert answer.status_code == 404
    assert "This link is no longer valid" in answer.content.decode()
    assert not User.objects.get().is_active


def test_link_is_invalid_when_30_days_have_passed(alice: User) -> None:
    account_deletion.request_deletion(alice)
    restoration.send_emails()
    with time_machine.travel(timezone.now() + timedelta(days=30, minutes=1)):
        assert Client().post(restoration_link()).status_code == 404
        account_deletion.erase_due_accounts()
        assert Client().post(restoration_link()).status_code == 404


def test_no_e_mail_is_sent_when_deletion_was_requested_days_ago(alice: User) -> None:
    account_deletion.request_deletion(alice)
    User.objects.update(deletion_requested_at=timezone.now() - timedelta(days=3))
    assert restoration.send_emails() == 0
