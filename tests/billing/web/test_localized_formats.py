"""Pages format dates, numbers and prices for the reader's language."""

import re

import pytest
from django.test import Client
from time_machine import Traveller

from accounts.models import User
from tests.billing import payment_events
from tests.markup import flat


@pytest.mark.parametrize(
    ("language", "paid"),
    [
        ("en", "1 January 2026, 00:00 UTC"),
        ("ja", "2026年1月1日 00:00 UTC"),
        ("zh-CN", "2026年1月1日 00:00 UTC"),
        ("zh-TW", "2026年1月1日 00:00 UTC"),
        ("ko", "2026년 1월 1일 00:00 UTC"),
    ],
)
def test_receipt_formats_dates_and_prices_when_the_language_differs(
    carol: User, clock: Traveller, language: str, paid: str
) -> None:
    User.objects.filter(pk=carol.pk).update(language=language)
    payment = payment_events.create_paid_payment(carol, "premium")
    client = Client()
    client.force_login(carol)
    shown = flat(client.get(f"/billing/payments/{payment.pk}/"))
    times = [" ".join(time.split()) for time in re.findall(r"<time[^>]*>([^<]*)</time>", shown)]
    assert paid in times
    assert "3,000" in shown
    assert "¥199.00 CNY" in shown


@pytest.mark.parametrize("language", ["en", "ja", "ko", "zh-hans", "zh-hant"])
def test_price_list_formats_numbers_when_the_language_differs(db: None, language: str) -> None:
    shown = Client(headers={"accept-language": language}).get("/pricing/").content.decode()
    assert "3,000" in shown
    assert "¥199" in shown
    assert "¥0.0663" in shown
