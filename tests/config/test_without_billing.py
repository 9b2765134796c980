"""BILLING=off: no page speaks of money, orders cost nothing, and the ledger stays right."""

import re

import pytest
from django.conf import LazySettings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.people import deletion, restoration
from billing.ledger import credits as ledger_credits
from billing.ledger import invariants
from billing.models import Entry, Payment
from config.management.commands import doctor
from tests.billing.payment_events import checkout_completed, create_payment, deliver
from tests.conftest import create_user
from tests.videos.conftest import completed, failed, order, running
from videos.catalog.modes import NO_IMAGES
from videos.catalog.reading import catalog
from videos.jobs import state_machine
from videos.jobs.money import charges, quotes
from videos.jobs.orders import PriceTerms
from videos.reports import refund_audit

SCRIPTS = re.compile(r"<(script|style)\b.*?</\1>", re.DOTALL)
TAGS = re.compile(r"<[^>]+>")
MONEY = re.compile(
    r"\b(credits?|prices?|packages?|billing|balance|refund\w*|costs?|charged|money|free|cheap\w*|pay\w*"
    r"|paid|value)\b|¥",
    re.IGNORECASE,
)
PUBLIC = (
    "/", "/showcase/", "/help/", "/privacy/", "/terms/", "/rules/", "/accessibility/",
    "/accounts/signup/", "/accounts/login/",
)  # fmt: skip
OWN = (
    "/studio/", "/library/", "/usage/", "/collections/", "/welcome/", "/welcome/?step=2",
    "/settings/", "/settings/mails/", "/settings/data/", "/settings/data/delete/", "/developers/",
    "/developers/keys/", "/developers/webhooks/",
)  # fmt: skip
MONEY_PAGES = ("/billing/", "/billing/history.csv", "/pricing/", "/proof/", "/help/refund/")


@pytest.fixture
def no_billing(db: None, settings: LazySettings) -> LazySettings:
    settings.BILLING = False
    return settings


@pytest.fixture
def erin(no_billing: LazySettings) -> User:
    """A user who signed up while billing was off."""
    return create_user("erin")


@pytest.fixture
def erins_page(erin: User) -> Client:
    client = Client()
    client.force_login(erin)
    return client


def words_about_money(client: Client, path: str) -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200, path
    shown = TAGS.sub(" ", SCRIPTS.sub(" ", answer.content.decode()))
    return [match[0] for match in MONEY.finditer(shown)]


def test_pages_for_everybody_do_not_speak_of_money_when_billing_is_off(
    no_billing: LazySettings, client: Client
) -> None:
    assert {path: words_about_money(client, path) for path in PUBLIC} == {
        path: [] for path in PUBLIC
    }


def test_pages_of_a_user_do_not_speak_of_money_when_billing_is_off(
    erin: User, erins_page: Client
) -> None:
    videos = [completed(order(erin), b"mp4"), failed(order(erin)), running(order(erin))]
    paths = [
        *OWN,
        *(f"/v/{video.pk}/" for video in videos),
        f"/v/{videos[-1].pk}/cancel/",
        f"/v/{videos[0].pk}/delete/",
    ]
    assert {path: words_about_money(erins_page, path) for path in paths} == {
        path: [] for path in paths
    }
    library = erins_page.get("/library/").content.decode()
    assert f'action="/v/{videos[1].pk}/retry/"' in library
    assert f'href="/v/{videos[0].pk}/#remix"' in library


def test_start_page_shows_its_one_promise_in_the_middle_when_billing_is_off(
    no_billing: LazySettings, client: Client
) -> None:
    html = client.get("/").content.decode()
    assert '<div class="features features--single">' in html
    no_billing.BILLING = True
    assert '<div class="features">' in client.get("/").content.decode()


def test_page_that_restores_an_account_does_not_speak_of_money_when_billing_is_off(
    erin: User, client: Client
) -> None:
    deletion.request_deletion(erin)
    erin.refresh_from_db()
    assert words_about_money(client, f"/accounts/return/{restoration.token_of(erin)}/") == []


def test_built_in_models_are_described_without_money() -> None:
    notes = [model.note for model in catalog().models.values()]
    assert [note for note in notes if MONEY.search(note)] == []


def test_video_that_was_paid_for_keeps_its_history_when_billing_is_off(
    alice: User, page: Client, settings: LazySettings
) -> None:
    video = completed(order(alice), b"mp4")
    settings.BILLING = False
    html = page.get(f"/v/{video.pk}/").content.decode()
    assert "20 credits charged" in html


def test_pages_about_money_are_not_found_when_billing_is_off(erins_page: Client) -> None:
    assert [erins_page.get(path).status_code for path in MONEY_PAGES] == [404] * len(MONEY_PAGES)
    assert erins_page.post("/billing/buy/", {"package": "trial"}).status_code == 404


def test_usage_counts_videos_and_seconds_when_billing_is_off(
    erin: User, erins_page: Client
) -> None:
    completed(order(erin, seconds=8), b"mp4")
    failed(order(erin))
    shown = " ".join(TAGS.sub(" ", erins_page.get("/usage/").content.decode()).split())
    assert "Videos 2 1 ready" in shown
    assert "Length of the ready videos 8 s in total" in shown


def test_order_is_taken_and_writes_no_entry_when_the_user_has_no_credits_and_billing_is_off(
    erin: User, no_billing: LazySettings
) -> None:
    client = APIClient()
    client.force_authenticate(erin)
    answer = client.post("/api/videos", {"prompt": "A paper boat", "seconds": "4"}, format="json")
    assert (answer.status_code, answer.json()["credits"]) == (201, 0)
    assert Entry.objects.count() == 0
    quoted = client.post("/api/videos/quote", {"seconds": 8}, format="json").json()
    assert (quoted["credits"], quoted["lots"], quoted["available_after"]) == (0, [], 0)
    made = client.post(
        "/api/videos/text-to-video",
        {"prompt": "A paper boat", "quality": "standard"},
        format="json",
    ).json()
    assert made["credits_estimated"] == 0
    assert made["message"] == "Text-to-video task created successfully."
    models = client.get("/api/models").json()["models"]
    assert {model["default"]["credits"] for model in models} == {0}
    assert {rate for model in models for rate in model["price"]["rates"]["text"].values()} == {"0"}


def test_payment_calls_answer_billing_off_when_billing_is_off(
    erin: User, anonymous: APIClient
) -> None:
    off = {"detail": "This installation does not sell credits.", "code": "billing_off"}
    client = APIClient()
    client.force_authenticate(erin)
    answers = [
        anonymous.get("/api/payments/packages"),
        client.post("/api/payments/stripe/create", {"package": "trial"}, format="json"),
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(404, off)] * 2
    assert Payment.objects.count() == 0
    assert client.get("/api/payments").json()["payments"] == []
    assert client.get("/api/users/credits").json()["credits"] == 0


def test_credits_return_when_a_charged_video_fails_after_billing_was_switched_off(
    alice: User, settings: LazySettings
) -> None:
    charged, cancelled = running(order(alice)), order(alice)
    settings.BILLING = False
    assert failed(charged).credits == 20
    state_machine.cancel(cancelled)
    assert ledger_credits.available(alice) == 100
    assert [*invariants.problems(), *refund_audit.findings()] == []


def test_nothing_returns_when_a_free_video_fails_after_billing_was_switched_on(
    erin: User, settings: LazySettings
) -> None:
    free, cancelled = running(order(erin)), order(erin)
    settings.BILLING = True
    assert failed(free).credits == 0
    state_machine.cancel(cancelled)
    assert not ledger_credits.existing_keys([charges.refund_key(free)])
    assert [*invariants.problems(), *refund_audit.findings()] == []


def test_quote_of_nothing_holds_when_billing_is_switched_on_within_ten_minutes(
    erin: User, settings: LazySettings
) -> None:
    video = order(erin)
    quote = quotes.issue(erin, NO_IMAGES, video.model, video.size, video.seconds)
    settings.BILLING = True
    again = order(erin, model=video.model, size=video.size, terms=PriceTerms(quote=quote.token))
    assert again.credits == 0
    assert [*refund_audit.findings()] == []


def test_payment_that_was_begun_before_is_credited_when_billing_is_off(
    alice: User, settings: LazySettings, page: Client
) -> None:
    payment = create_payment(alice)
    settings.BILLING = False
    deliver(checkout_completed(payment))
    assert ledger_credits.available(alice) == 200
    assert page.get(f"/billing/payments/{payment.pk}/").status_code == 200
    assert [*invariants.problems(), *refund_audit.run_audit().findings] == []


def test_doctor_does_not_ask_for_stripe_when_billing_is_off(no_billing: LazySettings) -> None:
    no_billing.STRIPE_SECRET_KEY = ""
    assert "nothing can be sold: set STRIPE_SECRET_KEY" not in doctor.missing()
    no_billing.BILLING = True
    assert "nothing can be sold: set STRIPE_SECRET_KEY" in doctor.missing()
