"""E-mails: the same content as text and as HTML, in the language of the user."""

import pytest
from django.conf import LazySettings
from django.core import mail
from django.utils import translation

from accounts.models import User
from config.lib import mail as lib_mail
from config.lib.mail import EmailContent


def test_text_and_html_are_equal_when_an_e_mail_is_sent(
    alice: User, settings: LazySettings
) -> None:
    settings.SITE_NAME, settings.SUPPORT_EMAIL = "Morgenrot", "help@example.com"
    content = EmailContent(
        "Hello", ("One & two", "<b>"), "Open", "https://example.com/?a=1&b=2", "Because"
    )
    assert lib_mail.send("test", alice, lambda: content) == 1
    (message,) = mail.outbox
    assert isinstance(message, mail.EmailMultiAlternatives)
    assert str(message.body).strip().split("\n\n") == [
        "One & two",
        "<b>",
        "Open:\nhttps://example.com/?a=1&b=2",
        "Because",
        "Morgenrot · help@example.com",
    ]
    html, kind = str(message.alternatives[0][0]), message.alternatives[0][1]
    wanted = [
        "<p>One &amp; two</p>",
        "<p>&lt;b&gt;</p>",
        '<a href="https://example.com/?a=1&amp;b=2">Open</a>',
        "Because",
        "help@example.com",
    ]
    assert (kind, [words in html for words in wanted]) == ("text/html", [True] * 5)
    assert "<img" not in html
    assert "<style" not in html
    assert 'style="' not in html


@pytest.mark.parametrize(
    ("language", "code"),
    [("zh-CN", "zh-hans"), ("zh-TW", "zh-hant"), ("ja", "ja"), ("en", "en"), ("", "en")],
)
def test_e_mail_is_in_the_users_language_when_it_is_sent(
    alice: User, language: str, code: str
) -> None:
    alice.language = language
    from_here = translation.get_language()
    content = EmailContent("Hello", ("One",), "Open", "https://example.com/")
    lib_mail.send("test", alice, lambda: content)
    (message,) = mail.outbox
    assert isinstance(message, mail.EmailMultiAlternatives)
    assert f'<html lang="{code}">' in str(message.alternatives[0][0])
    assert translation.get_language() == from_here


def test_e_mail_is_not_sent_when_there_is_no_address(alice: User) -> None:
    alice.email = ""
    empty = EmailContent("", (), "", "")
    assert (lib_mail.send("test", alice, lambda: empty), mail.outbox) == (0, [])
