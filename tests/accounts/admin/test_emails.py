"""The log of e-mails for staff."""

import pytest
from django.conf import LazySettings
from django.conf import settings as configured
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from config.lib import email_kinds, mail
from config.lib.mail import EmailContent, queue
from config.lib.mail.queue import SendResult, State
from config.lib.models import OutgoingEmail, SentEmail
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


def test_kinds_are_shown_in_words(refused: OutgoingEmail, staff_client: Client) -> None:
    kinds = ("unknown_account", "a_new_kind")
    OutgoingEmail.objects.bulk_create(
        OutgoingEmail(kind=kind, recipient="b@example.com", created_at=refused.created_at,
            round_started_at=refused.created_at)
        for kind in kinds
    )  # fmt: skip
    page = staff_client.get(LOG).content.decode()
    words = ("Receipt", "Password reset for an unknown address", "A new kind")
    assert [page.count(word) >= 2 for word in words] == [True] * 3  # in the list and the filter
    assert ("Quick filter" in page, "Dashboard</summary>" in page) == (True, False)
    assert [f">{kind}<" in page for kind in kinds] == [False, False]
    assert str(refused) == "Receipt: alice@example.com"


def test_every_kind_that_is_sent_has_words() -> None:
    ours = {str(kind) for kind in SentEmail.Kind} | {"expiry_warning", "digest", "other"}
    apps = ("account", "mfa", "socialaccount")
    folders = [configured.BASE_DIR / "templates" / app / "email" for app in apps]
    names = {file.name for folder in folders for file in folder.glob("*_message.*")}
    theirs = {name.partition("_message.")[0] for name in names} - {"base"}
    assert (ours | theirs) - set(email_kinds.LABELS) == set()


def test_staff_send_one_e_mail_again_from_its_page(
    refused: OutgoingEmail, staff_client: Client
) -> None:
    row, again = f"{LOG}{refused.pk}/change/", f"{LOG}{refused.pk}/send-again/"
    assert f'href="{again}"' in staff_client.get(row).content.decode()
    assert "Send again" in staff_client.get(again).content.decode()
    staff_client.post(again, {"reason": "The mailbox was full"})
    refused.refresh_from_db()
    assert (refused.state, refused.attempts) == (State.WAITING, 0)
    assert LogEntry.objects.get().change_message == "Sent again: The mailbox was full"
    queue.record_result(refused, SendResult(State.SENT))
    assert again not in staff_client.get(row).content.decode()


def test_staff_without_the_permission_only_read_the_log(refused: OutgoingEmail) -> None:
    reader = create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_outgoingemail"))
    client = Client()
    client.force_login(reader)
    assert b"send_again" not in client.get(LOG).content
    assert b"send-again" not in client.get(f"{LOG}{refused.pk}/change/").content
    client.post(LOG, again(refused))
    assert client.post(f"{LOG}{refused.pk}/send-again/", {"reason": "Me"}).status_code == 403
    refused.refresh_from_db()
    assert refused.state == State.REFUSED
