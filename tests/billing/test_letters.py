"""Letters: the same words as text and as HTML, in the receiver's language; receipts and refunds."""

from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
from django.conf import LazySettings
from django.core import mail
from django.utils import timezone, translation

from accounts.models import User
from billing.models import Payment, Refund
from billing.payments import receipts
from config.lib import mail as lib_mail
from config.lib.mail import EmailContent
from config.lib.models import SentEmail
from tests.billing import told
from tests.mail import Backend

pytestmark = pytest.mark.django_db


def outbox() -> list[tuple[str, str]]:
    return [(letter.to[0], str(letter.subject)) for letter in mail.outbox]


def test_text_and_html_say_the_same(alice: User, settings: LazySettings) -> None:
    settings.SITE_NAME, settings.SUPPORT_EMAIL = "Morgenrot", "help@example.com"
    said = EmailContent(
        "Hello", ("One & two", "<b>"), "Open", "https://example.com/?a=1&b=2", "Because"
    )
    assert lib_mail.send(alice, lambda: said) == 1
    (letter,) = mail.outbox
    assert isinstance(letter, mail.EmailMultiAlternatives)
    assert str(letter.body).strip().split("\n\n") == [
        "One & two",
        "<b>",
        "Open:\nhttps://example.com/?a=1&b=2",
        "Because",
        "Morgenrot · help@example.com",
    ]
    html, kind = str(letter.alternatives[0][0]), letter.alternatives[0][1]
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
def test_a_letter_is_in_the_receivers_language(alice: User, language: str, code: str) -> None:
    alice.language = language
    from_here = translation.get_language()
    said = EmailContent("Hello", ("One",), "Open", "https://example.com/")
    lib_mail.send(alice, lambda: said)
    (letter,) = mail.outbox
    assert isinstance(letter, mail.EmailMultiAlternatives)
    assert f'<html lang="{code}">' in str(letter.alternatives[0][0])
    assert translation.get_language() == from_here


def test_nobody_without_an_address_is_written_to(alice: User) -> None:
    alice.email = ""
    assert (lib_mail.send(alice, lambda: EmailContent("", (), "", "")), mail.outbox) == (0, [])


# ---- receipts ----


def test_a_receipt_is_written_once(carol: User) -> None:
    payment = told.bought(carol)
    assert [receipts.send_due(), receipts.send_due()] == [1, 0]
    assert outbox() == [("carol@example.com", f"Your receipt: {payment.name}")]
    body = str(mail.outbox[0].body)
    assert f"We received ¥9.90 CNY for {payment.name}." in body
    assert "100 credits were added to your balance." in body
    assert f"http://127.0.0.1:8000/billing/payments/{payment.pk}/" in body


def test_no_receipt_for_what_is_not_paid_old_or_in_question(carol: User) -> None:
    told.order(carol)
    old, asked = told.bought(carol), told.bought(carol)
    ago = timezone.now() - receipts.MAX_AGE - timedelta(seconds=1)
    Payment.objects.filter(pk=old.pk).update(paid_at=ago)
    Payment.objects.filter(pk=asked.pk).update(review_reason="the session is not this payment's")
    assert (receipts.send_due(), outbox()) == (0, [])


def test_a_receipt_that_did_not_go_is_tried_again(
    carol: User, mail_errors: dict[str, Exception]
) -> None:
    told.bought(carol)
    mail_errors["*"] = OSError("the mail server is away")
    with pytest.raises(OSError, match="away"):
        receipts.send_due()
    assert SentEmail.objects.count() == 0
    mail_errors.clear()
    assert receipts.send_due() == 1


def test_an_address_that_is_refused_is_not_tried_for_ever(
    carol: User, dave: User, mail_errors: dict[str, Exception]
) -> None:
    told.bought(carol)
    told.bought(dave)
    mail_errors["*"] = SMTPRecipientsRefused({"everybody": (550, b"unknown")})
    assert [receipts.send_due(), receipts.send_due()] == [0, 0]
    assert sorted(Backend.tried) == ["carol@example.com", "dave@example.com"]


# ---- refunds ----


def test_a_refund_is_told_once_it_succeeded(carol: User) -> None:
    payment = told.bought(carol)
    receipts.send_due()
    told.tell(told.refunded(payment, 330))
    assert [receipts.send_due(), receipts.send_due()] == [1, 0]
    assert outbox()[1] == ("carol@example.com", "We refunded ¥3.30 CNY to you")
    assert f"/billing/payments/{payment.pk}/" in str(mail.outbox[1].body)


def test_a_refund_that_failed_is_not_told(carol: User) -> None:
    payment = told.bought(carol)
    receipts.send_due()
    Refund.objects.create(
        payment=payment,
        amount_minor=1,
        status=Refund.Status.FAILED,
        source=Refund.Source.ADMIN,
        created_at=timezone.now(),
    )
    assert receipts.send_due() == 0
