"""Whoever left is written to, and the letter's link brings the account back within 30 days."""

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


def link() -> str:
    body = str(mail.outbox[-1].body)
    (path,) = re.findall(r"http://127\.0\.0\.1:8000(/accounts/return/\S+)", body)
    return str(path)


def test_leaving_is_told_once_with_its_day(alice: User) -> None:
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        account_deletion.request_deletion(alice)
        assert [restoration.send_emails(), restoration.send_emails()] == [1, 0]
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == (
        ["alice@example.com"],
        "Your account will be deleted on 31 March 2026",
    )
    assert "You asked us to delete your account alice." in str(letter.body)


def test_the_link_asks_first_and_then_brings_the_account_back(alice: User) -> None:
    account_deletion.request_deletion(alice)
    restoration.send_emails()
    client, path = Client(), link()
    assert b"Restore the account alice?" in client.get(path).content
    assert not User.objects.get().is_active
    assert client.post(path)["Location"] == "/accounts/login/"
    assert User.objects.get().is_active
    assert client.login(username="alice", password="alice-password")
    assert [Client().get(path).status_code, Client().post(path).status_code] == [404, 404]


def test_a_link_is_for_one_departure(alice: User) -> None:
    account_deletion.request_deletion(alice)
    restoration.send_emails()
    old = link()
    people_deletion.restore(alice)
    account_deletion.request_deletion(alice)
    assert restoration.send_emails() == 1
    assert Client().post(old).status_code == 404
    assert (User.objects.get().is_active, Client().post(link()).status_code) == (False, 302)


def test_whom_staff_lock_afterwards_stays_out(alice: User, staff_client: Client) -> None:
    account_deletion.request_deletion(alice)
    restoration.send_emails()
    form = {"action": "lock", "_selected_action": [str(alice.pk)], "confirm": "1", "reason": "spam"}
    assert staff_client.post("/admin/accounts/user/", form).status_code == 302
    assert Client().post(link()).status_code == 404
    assert not User.objects.get(pk=alice.pk).is_active


@pytest.mark.parametrize("token", ["x", "WyJ4Iiwx.a.b"])
def test_a_damaged_link_does_nothing(alice: User, token: str) -> None:
    account_deletion.request_deletion(alice)
    answer = Client().post(f"/accounts/return/{token}/")
    assert answer.status_code == 404
    assert "This link is no longer valid" in answer.content.decode()
    assert not User.objects.get().is_active


def test_a_link_ends_with_the_30_days(alice: User) -> None:
    account_deletion.request_deletion(alice)
    restoration.send_emails()
    with time_machine.travel(timezone.now() + timedelta(days=30, minutes=1)):
        assert Client().post(link()).status_code == 404
        account_deletion.erase_due_accounts()
        assert Client().post(link()).status_code == 404


def test_who_left_long_ago_is_not_written_to(alice: User) -> None:
    account_deletion.request_deletion(alice)
    User.objects.update(deletion_requested_at=timezone.now() - timedelta(days=3))
    assert restoration.send_emails() == 0
