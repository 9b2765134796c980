"""A date, a number and a price on a page are written as the reader's language writes them."""

import re

import pytest
from django.test import Client
from time_machine import Traveller

from accounts.models import User
from tests.billing import told
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
def test_a_receipt_is_written_as_the_language_does(
    carol: User, clock: Traveller, language: str, paid: str
) -> None:
    User.objects.filter(pk=carol.pk).update(language=language)
    payment = told.bought(carol, "premium")
    client = Client()
    client.force_login(carol)
    shown = flat(client.get(f"/billing/payments/{payment.pk}/"))
    times = [" ".join(time.split()) for time in re.findall(r"<time[^>]*>([^<]*)</time>", shown)]
    assert paid in times
    assert "3,000" in shown
    assert "¥199.00 CNY" in shown


@pytest.mark.parametrize("language", ["en", "ja", "ko", "zh-hans", "zh-hant"])
def test_thousands_and_prices_on_the_price_list(db: None, language: str) -> None:
    shown = Client(headers={"accept-language": language}).get("/pricing/").content.decode()
    assert "3,000" in shown
    assert "¥199" in shown
    assert "¥0.0663" in shown
