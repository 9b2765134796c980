"""The log of e-mails for staff."""

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from config.lib import mail
from config.lib.mail import EmailContent, queue
from config.lib.mail.queue import SendResult, State
from config.lib.models import OutgoingEmail
from tests.conftest import create_user

LOG = "/admin/lib/outgoingemail/"
CONTENT = EmailContent("Hello", ("One",), "Open", "https://example.com/secret")


@pytest.fixture
def refused(alice: User, settings: LazySettings) -> OutgoingEmail:
    """An e-mail that the mail server refused."""
    settings.EMAIL_BACKEND = "config.lib.mail.queue.QueueBackend"
    mail.send("receipt", alice, lambda: CONTENT)
    row = OutgoingEmail.objects.get()
    queue.record_result(row, SendResult(State.REFUSED, "550 Unknown"))
    return row


def again(row: OutgoingEmail) -> dict[str, object]:
    return {"action": "send_again", "_selected_action": [str(row.pk)]}


def test_log_shows_no_text_of_an_e_mail(refused: OutgoingEmail, staff_client: Client) -> None:
    assert "secret" in refused.text
    paths = (LOG, f"{LOG}{refused.pk}/change/")
    pages = [staff_client.get(path).content.decode() for path in paths]
    assert ["alice@example.com" in page for page in pages] == [True, True]
    assert ["secret" in page for page in pages] == [False, False]
    assert "550 Unknown" in pages[1]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("q=alice@example.com", 1), ("q=bob@example.com", 0), ("state__exact=refused", 1),
        ("state__exact=sent", 0), ("kind=receipt", 1), ("kind=digest", 0), ("show=unsent", 1),
    ],
)  # fmt: skip
def test_log_is_searched_and_filtered(
    refused: OutgoingEmail, staff_client: Client, query: str, count: int
) -> None:
    assert staff_client.get(f"{LOG}?{query}").context["cl"].result_count == count


def test_staff_send_an_e_mail_again(refused: OutgoingEmail, staff_client: Client) -> None:
    answers = [staff_client.post(LOG, again(refused), follow=True) for _ in range(2)]
    refused.refresh_from_db()
    assert (refused.state, refused.attempts, refused.ended_at) == (State.WAITING, 0, None)
    assert "The e-mail to alice@example.com is being sent again." in answers[0].content.decode()
    assert LogEntry.objects.filter(change_message="Sent again").count() == 2
    queue.record_result(refused, SendResult(State.SENT))
    answer = staff_client.post(LOG, again(refused), follow=True).content.decode()
    assert "Only an e-mail that was not sent can be sent again." in answer


def test_staff_without_the_permission_only_read_the_log(refused: OutgoingEmail) -> None:
    reader = create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_outgoingemail"))
    client = Client()
    client.force_login(reader)
    assert b"send_again" not in client.get(LOG).content
    client.post(LOG, again(refused))
    refused.refresh_from_db()
    assert refused.state == State.REFUSED
