"""/developers/webhooks/: endpoints are added, changed, paused, tested and deleted."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from tests.markup import flat
from tests.videos.conftest import deliver_due, failed, order, receiver
from tests.videos.receiver import Receiver
from videos.models import WebhookDelivery, WebhookEndpoint
from videos.webhooks import endpoints, pull

FIXTURES = (receiver,)
PAGE, NEW = "/developers/webhooks/", "/developers/webhooks/endpoints/new/"
FORM = {
    "url": "https://example.com/hook", "events": ["video.completed"], "format": "openai",
    "description": "Production",
}  # fmt: skip


@pytest.fixture
def endpoint(alice: User, receiver: Receiver) -> WebhookEndpoint:
    return endpoints.create(alice, url=receiver.url, events=["video.failed"])


def address(endpoint: WebhookEndpoint, act: str = "") -> str:
    return f"/developers/webhooks/endpoints/{endpoint.pk}/{act}"


def reloaded(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.get(pk=endpoint.pk)


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_endpoint_is_added_and_shown(page: Client, alice: User) -> None:
    assert page.get(NEW).status_code == 200
    answer = page.post(NEW, FORM, follow=True)
    assert said(answer) == ["The endpoint is added."]
    row = WebhookEndpoint.objects.get(user=alice)
    assert (row.url, row.events, row.format, row.description) == tuple(FORM.values())
    text = flat(answer)
    shown = ("https://example.com/hook", "A video is completed · Production", "On")
    assert [part for part in shown if part not in text] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "http://10.0.0.1:22/"}, "Webhooks cannot go to this address."),
        ({"url": "nonsense"}, "Webhooks cannot go to this address."),
        ({"events": []}, "This field is required."),
        ({"format": "xml"}, "Select a valid choice."),
        ({"description": "x" * 201}, "at most 200 characters"),
    ],
)
def test_form_says_what_is_wrong(page: Client, change: dict[str, Any], words: str) -> None:
    text = flat(page.post(NEW, {**FORM, **change}))
    assert words in text
    assert WebhookEndpoint.objects.count() == 0


def test_form_says_that_there_are_too_many(page: Client, alice: User) -> None:
    for n in range(endpoints.MAX_ENDPOINTS):
        endpoints.create(alice, url=f"https://example.com/{n}", events=["video.failed"])
    assert "You have 10 endpoints. Delete one first." in flat(page.post(NEW, FORM))
    assert "Another endpoint has this address." in flat(
        page.post(
            address(WebhookEndpoint.objects.all()[0]), {**FORM, "url": "https://example.com/1"}
        )
    )


def test_endpoint_is_changed(page: Client, endpoint: WebhookEndpoint) -> None:
    shown = page.get(address(endpoint)).context["form"]
    assert (shown["url"].value(), shown["events"].value()) == (endpoint.url, ["video.failed"])
    answer = page.post(address(endpoint), {**FORM, "url": " "}, follow=True)
    assert said(answer) == ["The endpoint is changed."]
    assert (reloaded(endpoint).url, reloaded(endpoint).description) == ("", "Production")
    assert "Fetched by your program" in flat(answer)


def test_endpoint_is_paused_and_enabled(
    page: Client, endpoint: WebhookEndpoint, alice: User
) -> None:
    failed(order(alice))
    answer = page.post(address(endpoint, "switch/"), {"enabled": "0"}, follow=True)
    assert said(answer) == ["The endpoint is paused. It gets nothing until you enable it."]
    assert (deliver_due(), "Paused" in flat(answer)) == (0, True)
    page.post(address(endpoint, "switch/"), {"enabled": "1"})
    assert deliver_due() == 1


def test_page_says_that_an_endpoint_fails_or_was_switched_off(
    page: Client, endpoint: WebhookEndpoint
) -> None:
    now = timezone.now()
    WebhookEndpoint.objects.update(failing_since=now)
    assert "It has accepted nothing since" in flat(page.get(PAGE))
    WebhookEndpoint.objects.update(enabled=False, disabled_at=now)
    assert "so we switched it off on" in flat(page.get(PAGE))


def test_endpoint_is_tested(page: Client, endpoint: WebhookEndpoint, receiver: Receiver) -> None:
    receiver.code = 500
    answer = page.post(address(endpoint, "test/"), follow=True)
    words = "The server answered HTTP 500. We would retry a webhook answered like this."
    assert (said(answer), len(receiver.requests)) == ([words], 1)
    endpoints.change(endpoint, url="")
    assert said(page.post(address(endpoint, "test/"), follow=True)) == [
        "This endpoint has no address."
    ]


def test_endpoint_is_deleted(page: Client, endpoint: WebhookEndpoint, alice: User) -> None:
    failed(order(alice))
    answer = page.post(address(endpoint, "delete/"), follow=True)
    assert said(answer) == ["The endpoint is deleted."]
    assert (WebhookEndpoint.objects.count(), WebhookDelivery.objects.count()) == (0, 0)


@pytest.mark.parametrize("act", ["", "switch/", "test/", "delete/"])
def test_endpoint_is_not_found_when_it_belongs_to_another_user(
    page: Client, bob: User, act: str
) -> None:
    theirs = endpoints.create(bob, url="https://example.com/", events=["video.failed"])
    assert page.post(address(theirs, act), FORM).status_code == 404
    assert "https://example.com/<" not in page.get(PAGE).content.decode()
    assert reloaded(theirs).enabled


@pytest.mark.parametrize("path", [NEW, "/developers/webhooks/redeliver/"])
def test_pages_require_signing_in(db: None, path: str) -> None:
    assert Client().post(path)["Location"].startswith("/accounts/login/")


# ---- the log ----


def test_failed_ones_are_sent_again_together(
    page: Client, endpoint: WebhookEndpoint, alice: User
) -> None:
    for _ in range(2):
        failed(order(alice))
    assert "Send failed ones again" not in flat(page.get(PAGE))
    WebhookDelivery.objects.update(state="failed", next_try_at=None)
    assert "Send failed ones again" in flat(page.get(f"{PAGE}?state=failed"))
    answer = page.post("/developers/webhooks/redeliver/", follow=True)
    assert (said(answer), deliver_due()) == (["2 webhooks are being sent again."], 2)
    answer = page.post("/developers/webhooks/redeliver/", follow=True)
    assert said(answer) == ["No failed webhook can be sent again."]


def test_log_says_that_a_filter_finds_none(page: Client, alice: User) -> None:
    none_sent, none_found = "No webhooks have been sent yet.", "Nothing matches"
    text = flat(page.get(PAGE)), flat(page.get(f"{PAGE}?state=failed"))
    assert [(none_sent in shown, none_found in shown) for shown in text] == [
        (True, False),
        (False, True),
    ]


def test_log_says_what_was_fetched(page: Client, alice: User) -> None:
    endpoints.create(alice, url="", events=["video.failed"])
    failed(order(alice))
    pull.acknowledge(alice, [f"msg_{WebhookDelivery.objects.get().pk.hex}"])
    text = flat(page.get(PAGE))
    assert [
        part for part in ("fetched and acknowledged", "Fetched by your program") if part not in text
    ] == []
