"""The pages and e-mails of signing up, signing in and resetting a password; the welcome page."""

import re

import pytest
import time_machine
from allauth.account.adapter import get_adapter
from allauth.core.context import request_context
from django.conf import LazySettings
from django.conf import settings as configured
from django.core import mail
from django.core.cache import cache
from django.test import Client, RequestFactory

from accounts.models import User
from videos.account import email_digests

SIGN_UP = {"username": "carol", "email": "carol@example.com", "password1": "a-long-passphrase"}
OURS = configured.BASE_DIR / "templates"
NEW = "quite-another-passphrase"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/accounts/password/reset/done/", "Check your e-mail"),
        ("/accounts/password/reset/key/x-y/", "This link is no longer valid"),
        ("/accounts/password/reset/key/done/", "Your password was changed"),
        ("/accounts/confirm-email/", "Check your e-mail"),
        ("/accounts/confirm-email/nonsense/", "This link is no longer valid"),
        ("/accounts/inactive/", "This account is closed"),
        ("/accounts/3rdparty/login/cancelled/", "Sign-in cancelled"),
        ("/accounts/3rdparty/login/error/", "The sign-in failed"),
    ],
)
def test_page_has_its_heading_when_anonymous(db: None, path: str, words: str) -> None:
    assert f"<h1>{words}</h1>" in Client().get(path).content.decode()


def test_welcome_page_follows_when_a_user_signs_up(db: None) -> None:
    client = Client()
    assert client.post("/accounts/signup/", SIGN_UP)["Location"] == "/welcome/"
    assert client.get("/welcome/").context["step"] == 1
    shown = client.get("/welcome/?step=2&scene=1").context
    assert [(row["label"], row["price"], row["videos"]) for row in shown["rows"]] == [
        ("Sora 2", 20, 5),
        ("Sora 2 Pro", 30, 3),
    ]
    assert str(shown["prompt"]).startswith("Rain on a neon city")


def test_studio_follows_the_sign_up_when_a_prompt_is_stored(db: None) -> None:
    client = Client()
    client.post("/", {"prompt": "A lighthouse"})
    assert b"A lighthouse" in client.get("/accounts/signup/").content
    assert client.post("/accounts/signup/", SIGN_UP)["Location"] == "/studio/"


@pytest.mark.parametrize("query", ["", "?step=2", "?step=2&scene=9", "?step=x&scene=é"])
def test_welcome_page_is_shown_when_its_query_is_invalid(page: Client, query: str) -> None:
    assert page.get(f"/welcome/{query}").status_code == 200


def test_welcome_page_requires_signing_in(db: None) -> None:
    assert Client().get("/welcome/")["Location"] == "/accounts/login/?next=/welcome/"


def html_of(message: mail.EmailMessage) -> str:
    assert isinstance(message, mail.EmailMultiAlternatives)
    ((html, kind),) = message.alternatives
    assert kind == "text/html"
    return str(html)


def link_in(body: str) -> str:
    (link,) = re.findall(rf"{re.escape(configured.BASE_URL)}(\S+)", body)
    return str(link)


def test_address_is_verified_when_its_link_is_confirmed(db: None, settings: LazySettings) -> None:
    settings.SITE_NAME = "Morgenrot"
    cache.clear()  # an address gets one confirmation e-mail in three minutes
    client = Client()
    client.post("/accounts/signup/", SIGN_UP)
    (message,) = mail.outbox
    assert isinstance(message, mail.EmailMultiAlternatives)
    assert (message.subject, message.to) == (
        "Confirm your e-mail address for Morgenrot",
        ["carol@example.com"],
    )
    html, kind = str(message.alternatives[0][0]), message.alternatives[0][1]
    path = link_in(str(message.body))
    assert kind == "text/html"
    assert f'href="{settings.BASE_URL}{path}"' in html
    assert "Morgenrot" in str(message.body)
    assert (
        b"Confirm that carol@example.com is the e-mail address of carol."
        in client.get(path).content
    )
    assert client.post(path).status_code == 302
    assert User.objects.get(username="carol").is_verified


def test_password_is_reset_when_the_link_is_opened(alice: User) -> None:
    client = Client(SERVER_PORT="6666")  # whoever asks for the e-mail chooses the Host header
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    (message,) = mail.outbox
    assert message.subject == "Reset your password for Firstlight"
    path = link_in(str(message.body))
    answer = client.get(path, follow=True)
    assert b"Choose a new password" in answer.content
    answer = client.post(answer.request["PATH_INFO"], {"password1": NEW}, follow=True)
    assert b"Your password was changed" in answer.content
    assert client.login(username="alice", password=NEW)
    assert b"This link is no longer valid" in Client().get(path).content
    notice = mail.outbox[1]
    assert notice.subject == "Your password was changed"
    assert str(notice.body).startswith(
        "Hello alice, this was changed in your account at Firstlight:\n\n"
        "Your password was changed\n\n"
        "The change was made from 127.0.0.1. If that was not you, change your password and check"
        " your sign-ins now.\n"
    )


@pytest.mark.parametrize("path", ["/accounts/password/reset/", "/accounts/password/change/"])
def test_new_password_is_asked_for_as_at_the_sign_up(alice: User, path: str) -> None:
    client = Client()
    if "reset" in path:
        client.post(path, {"email": "alice@example.com"})
        path = link_in(str(mail.outbox[0].body))
    else:
        client.force_login(alice)
    new = client.get(path, follow=True).context["form"].fields
    asked = Client().get("/accounts/signup/").context["form"].fields["password1"]
    assert (new["password1"].label, "password2" in new) == ("New password", False)
    assert new["password1"].help_text == asked.help_text


@pytest.mark.parametrize(
    "prefix",
    [
        "account/email/password_changed", "account/email/password_reset",
        "account/email/password_set", "account/email/email_changed", "account/email/email_deleted",
        "mfa/email/totp_activated", "mfa/email/totp_deactivated",
        "mfa/email/recovery_codes_generated", "socialaccount/email/account_connected",
        "socialaccount/email/account_disconnected",
    ],
)  # fmt: skip
def test_notice_of_a_change_has_the_words_of_our_other_e_mails(alice: User, prefix: str) -> None:
    about = {
        "provider": "Google", "from_email": "a@example.com", "to_email": "b@example.com",
        "deleted_email": "a@example.com",
    }  # fmt: skip
    with request_context(RequestFactory().get("/")):
        get_adapter().send_notification_mail(prefix, alice, about, "alice@example.com")
    (message,) = mail.outbox
    greeting, what, how = str(message.body).split("\n\n")[:3]
    assert greeting == "Hello alice, this was changed in your account at Firstlight:"
    assert what.splitlines()[0] == message.subject
    assert how.startswith("The change was made from 127.0.0.1. If that was not you,")
    assert message.subject.istitle() is False
    assert (OURS / f"{prefix}_subject.txt").exists()


def test_e_mail_says_so_when_the_address_has_no_account(db: None, settings: LazySettings) -> None:
    settings.BASE_URL = "https://studio.example.com"
    Client(SERVER_PORT="6666").post("/accounts/password/reset/", {"email": "nobody@example.com"})
    (message,) = mail.outbox
    assert message.subject == "No account found at Firstlight"
    assert "https://studio.example.com/accounts/signup/" in message.body
    assert '<a href="https://studio.example.com/accounts/signup/"' in html_of(message)
    assert "6666" not in message.body


def test_e_mail_is_sent_when_the_password_is_changed(page: Client, alice: User) -> None:
    form = {"oldpassword": "alice-password", "password1": NEW}
    page.post("/accounts/password/change/", form)
    (message,) = mail.outbox
    assert "The change was made from 127.0.0.1." in message.body
    assert "<p>The change was made from 127.0.0.1." in html_of(message)


# ---- the two steps of the welcome page ----


def test_language_and_e_mail_choice_are_saved_when_the_welcome_form_is_sent(
    page: Client, alice: User
) -> None:
    form = {"language": "ja", "mails": "on", "prompt": "A lighthouse & a boat"}
    answer = page.post("/welcome/", form)
    assert answer["Location"] == "/studio/?prompt=A+lighthouse+%26+a+boat"
    alice.refresh_from_db()
    assert (alice.language, email_digests.is_enabled(alice)) == ("ja", True)
    assert 'lang="ja"' in page.get("/welcome/?step=2").content.decode()
    page.post("/welcome/", {"language": "ja"})
    assert email_digests.is_enabled(alice) is False


def test_welcome_form_is_refused_when_the_language_is_unknown(page: Client, alice: User) -> None:
    answer = page.post("/welcome/", {"language": "xx"})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["language"])


def test_help_links_to_the_welcome_page_when_signed_in(page: Client) -> None:
    assert b'href="/welcome/"' in page.get("/help/").content
    assert b'href="/welcome/"' not in Client().get("/help/").content


# ---- signing in ----


def test_alert_is_shown_when_the_password_is_wrong(alice: User) -> None:
    answer = Client().post("/accounts/login/", {"login": "alice", "password": "wrong"})
    assert b'role="alert"' in answer.content


def test_sign_in_is_blocked_for_15_minutes_when_it_fails_five_times(alice: User) -> None:
    cache.clear()
    wrong = {"login": "alice", "password": "wrong"}
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False) as clock:
        for _n in range(5):
            Client().post("/accounts/login/", wrong)
        clock.shift(60)
        answer = Client().post("/accounts/login/", {**wrong, "password": "alice-password"})
        text = answer.content.decode()
        assert "Too many attempts. Try again in 14 minutes." in text
        clock.shift(841)
        right = {**wrong, "password": "alice-password"}
        assert Client().post("/accounts/login/", right).status_code == 302


@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/"])
def test_password_field_has_a_reveal_button(db: None, path: str) -> None:
    assert Client().get(path).content.decode().count("data-reveal=") == 1


def test_google_is_not_offered_when_it_is_not_configured(db: None) -> None:
    assert b"Continue with" not in Client().get("/accounts/login/").content


@pytest.mark.parametrize("path", ["/accounts/password/reset/done/", "/accounts/confirm-email/"])
def test_page_names_the_folder_of_e_mails_when_there_is_no_mail_server(
    db: None, settings: LazySettings, path: str
) -> None:
    folder = str(settings.DATA_DIR / "mail")
    assert folder in Client().get(path).content.decode()
    settings.EMAIL_HOST = "mail.example.com"
    assert folder not in Client().get(path).content.decode()
