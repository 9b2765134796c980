"""Quotes and limits of the price: an order never costs more than its client agreed to."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from tests.videos.conftest import completed, failed, order
from tests.videos.conftest import mp4 as mp4  # noqa: PLC0414
from videos.models import Price, Video

QUOTE = "/api/videos/quote"
PROMPT = {"prompt": "A boat"}


def ask(api: APIClient, **fields: Any) -> Any:
    return api.post(QUOTE, fields, format="json")


def create(api: APIClient, **fields: Any) -> Any:
    return api.post("/api/videos", {**PROMPT, **fields}, format="json")


def raise_price(to: int = 26) -> None:
    Price.objects.create(kind=Price.Kind.TEXT, model="sora-2", credits=to)


# ---- quotes ----


def test_quote_says_what_an_order_costs_and_who_pays(api: APIClient, alice: User) -> None:
    soon = timezone.now() + timedelta(days=1)
    credits.grant(alice, 5, credits.Kind.BONUS, "soon", expires_at=soon)
    answer = ask(api).json()
    assert answer["quote"]
    assert (answer["credits"], answer["available"], answer["available_after"]) == (20, 105, 85)
    assert [lot["credits"] for lot in answer["lots"]] == [5, 15]
    assert credits.available(alice) == 105


@pytest.mark.parametrize(
    ("fields", "price"),
    [
        ({"image": True}, 25),
        ({"model": "sora-2-pro"}, 30),
        ({"model": "sora-2-pro", "image": True, "seconds": 20}, 59),
    ],
)
def test_quote_is_the_price_that_the_order_is_charged(
    api: APIClient, fields: dict[str, Any], price: int
) -> None:
    assert ask(api, **fields).json()["credits"] == price


def test_quote_says_how_many_credits_are_missing(api: APIClient, alice: User) -> None:
    credits.spend(alice, 90, "spend")
    answer = ask(api).json()
    assert (answer["available_after"], [lot["credits"] for lot in answer["lots"]]) == (-10, [10])


@pytest.mark.parametrize("fields", [{"model": "sora-9"}, {"seconds": 5}, {"size": "1x1"}])
def test_quote_is_400_when_the_catalog_does_not_offer_it(
    api: APIClient, fields: dict[str, Any]
) -> None:
    answer = ask(api, **fields)
    assert (answer.status_code, answer.json()["code"]) == (400, "not_offered")


def test_quote_is_401_without_a_sign_in(anonymous: APIClient, db: None) -> None:
    assert ask(anonymous).status_code == 401


def test_order_costs_the_quoted_price_when_the_price_rose(api: APIClient, alice: User) -> None:
    quote = ask(api).json()["quote"]
    raise_price()
    assert create(api).json()["credits"] == 26
    assert create(api, quote=quote).json()["credits"] == 20
    assert credits.available(alice) == 100 - 26 - 20


def test_task_costs_the_quoted_price_when_the_price_rose(api: APIClient, alice: User) -> None:
    quote = ask(api).json()["quote"]
    raise_price()
    answer = api.post("/api/videos/text-to-video", {**PROMPT, "quote": quote}, format="json")
    assert (answer.json()["credits_estimated"], credits.available(alice)) == (20, 80)


def test_order_costs_less_than_the_quote_when_the_price_fell(api: APIClient, alice: User) -> None:
    quote = ask(api).json()["quote"]
    raise_price(to=11)
    assert create(api, quote=quote).json()["credits"] == 11


def test_order_is_refused_when_its_quote_is_older_than_ten_minutes(
    api: APIClient, alice: User
) -> None:
    quote = ask(api).json()["quote"]
    with time_machine.travel(timezone.now() + timedelta(minutes=10, seconds=2)):
        answer = create(api, quote=quote)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_quote")
    assert Video.objects.count() == 0


@pytest.mark.parametrize(
    "fields", [{"seconds": 20}, {"model": "sora-2-pro"}, {"quote": "made-up"}, {"quote": "a:b:c"}]
)
def test_order_is_refused_when_its_quote_is_forged_or_for_another_order(
    api: APIClient, alice: User, fields: dict[str, Any]
) -> None:
    quote = ask(api).json()["quote"]
    answer = create(api, **{"quote": quote, **fields})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_quote")
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)


def test_order_is_refused_when_its_quote_is_of_another_user(
    api: APIClient, stranger: APIClient
) -> None:
    answer = create(api, quote=ask(stranger).json()["quote"])
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_quote")


# ---- limits ----


@pytest.mark.parametrize("name", ["expected_credits", "max_credits"])
def test_order_is_409_with_the_price_when_it_is_higher_than_agreed(
    api: APIClient, alice: User, name: str
) -> None:
    raise_price()
    answer = create(api, **{name: 20})
    assert (answer.status_code, answer.json()) == (
        409,
        {
            "detail": "The price is now 26 credits, not 20. Nothing was ordered.",
            "code": "price_changed",
            "credits": 26,
        },
    )
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)
    assert create(api, **{name: 26}).status_code == 201


def test_order_is_409_when_the_lower_of_two_limits_is_exceeded(api: APIClient) -> None:
    assert create(api, expected_credits=30, max_credits=19).status_code == 409
    assert create(api, expected_credits=19, max_credits=30).status_code == 409


@pytest.mark.parametrize("value", [0, -1, "many", 1.5])
def test_order_is_422_when_the_limit_is_no_number_of_credits(api: APIClient, value: object) -> None:
    assert create(api, max_credits=value).status_code == 422


def test_every_way_to_order_is_409_when_the_price_is_higher_than_agreed(
    api: APIClient, alice: User, mp4: bytes
) -> None:
    done, lost = completed(order(alice), mp4), failed(order(alice))
    raise_price()
    before = Video.objects.count()
    limit = {"expected_credits": 20}
    answers = [
        api.post("/api/videos/create", {**PROMPT, **limit}, format="json"),
        api.post("/api/videos/text-to-video", {**PROMPT, **limit}, format="json"),
        api.post(f"/api/videos/{done.pk}/remix", {**PROMPT, **limit}, format="json"),
        api.post(
            "/api/videos/remix", {**PROMPT, **limit, "remix_video_id": str(done.pk)}, format="json"
        ),
        api.post(f"/api/tasks/{lost.pk}/retry", limit, format="json"),
    ]
    assert len(answers) == 5
    assert {answer.json().get("code") for answer in answers} == {"price_changed"}
    assert Video.objects.count() == before


# ---- pages ----


def hidden(content: bytes, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', content.decode())
    assert found, name
    return found[1]


def test_studio_orders_nothing_when_the_prices_changed_while_it_was_open(
    page: Client, alice: User
) -> None:
    form = {
        "model": "sora-2",
        "size": "1280x720",
        "seconds": "8",
        "takes": "1",
        **PROMPT,
        "go": "1",
    }
    form["price_list"] = hidden(page.get("/studio/").content, "price_list")
    raise_price()
    answer = page.post("/studio/", form)
    assert answer.status_code == 422
    assert b"The prices have changed. Check the price and order again." in answer.content
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)
    form["price_list"] = hidden(answer.content, "price_list")
    assert page.post("/studio/", form).status_code == 303
    assert credits.available(alice) == 74


@pytest.mark.parametrize("action", ["remix", "retry"])
def test_button_orders_nothing_when_its_price_rose_while_the_page_was_open(
    page: Client, alice: User, mp4: bytes, action: str
) -> None:
    video = completed(order(alice), mp4) if action == "remix" else failed(order(alice))
    content = page.get(f"/v/{video.pk}/").content
    form = {**PROMPT, "expected_credits": hidden(content, "expected_credits")}
    before = credits.available(alice)
    raise_price()
    answer = page.post(f"/v/{video.pk}/{action}/", form, follow=True)
    assert b"The price is now 26 credits, not 20. Nothing was ordered." in answer.content
    assert (Video.objects.count(), credits.available(alice)) == (1, before)
    page.post(f"/v/{video.pk}/{action}/", {**form, "expected_credits": "26"})
    assert (Video.objects.count(), credits.available(alice)) == (2, before - 26)


def test_repeated_studio_order_is_one_order_when_the_prices_changed_in_between(
    page: Client, alice: User
) -> None:
    content = page.get("/studio/").content
    form = {"model": "sora-2", "size": "1280x720", "seconds": "8", "takes": "1"}
    form |= {**PROMPT, "go": "1"}
    form |= {name: hidden(content, name) for name in ("token", "price_list")}
    assert page.post("/studio/", form).status_code == 303
    raise_price()
    assert page.post("/studio/", form).status_code == 303
    assert (Video.objects.count(), credits.available(alice)) == (1, 80)
