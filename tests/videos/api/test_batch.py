"""POST /api/videos/batch: many videos at once, all of them or none, each line with its faults."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.models import User
from billing.ledger import credits, invariants
from tests.conftest import create_user, signed_in
from videos.models import PausedModel, Price, RejectedPrompt, Video

BATCH = "/api/videos/batch"
TWO = [{"prompt": "A boat"}, {"prompt": "A kite", "model": "sora-2-pro", "size": "720x1280"}]
BAD = "A naked child on a beach"


def send(api: Any, lines: list[Any], key: str = "", **fields: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return api.post(BATCH, {"videos": lines, **fields}, format="json", headers=headers)


def errors(answer: Any) -> list[tuple[Any, ...]]:
    """The place of each error, and its type."""
    return [(*error["loc"][1:], error["type"]) for error in answer.json()["detail"]]


# ---- ordering ----


def test_every_line_becomes_a_video_in_its_order(api: APIClient, alice: User) -> None:
    answer = send(api, [*TWO, {"prompt": "A boat", "seconds": "12", "seed": None}])
    body = answer.json()
    assert (answer.status_code, body["credits"]) == (201, 70)
    shown = [
        (v["prompt"], v["model"], v["size"], v["seconds"], v["credits"]) for v in body["videos"]
    ]
    assert shown == [
        ("A boat", "sora-2", "1280x720", "8", 20),
        ("A kite", "sora-2-pro", "720x1280", "8", 30),
        ("A boat", "sora-2", "1280x720", "12", 20),
    ]
    assert [video["queue_position"] for video in body["videos"]] == [1, 2, 3]
    assert credits.available(alice) == 30
    spent = credits.history(alice, "spent").values_list("amount", flat=True)
    assert sorted(spent) == [-30, -20, -20]
    assert invariants.problems() == []


def test_line_keeps_its_webhook_and_a_bad_address_is_a_fault(api: APIClient) -> None:
    line = {"prompt": "A boat", "webhook_url": "https://example.com/hook"}
    assert send(api, [line]).status_code == 201
    assert Video.objects.get().webhook_url == "https://example.com/hook"
    answer = send(api, [line, {**line, "webhook_url": "ftp://example.com"}])
    assert errors(answer) == [("videos", 1, "webhook_url", "value_error.invalid_url")]


def test_each_video_has_a_number_of_its_own_in_the_feed(api: APIClient, alice: User) -> None:
    send(api, TWO)
    numbers = list(Video.objects.order_by("created_at").values_list("sequence", flat=True))
    assert numbers == [numbers[0], numbers[0] + 1]


def test_batch_is_401_without_a_sign_in(anonymous: APIClient, db: None) -> None:
    assert send(anonymous, TWO).status_code == 401


def test_batch_is_403_when_the_key_may_only_read(anonymous: APIClient, alice: User) -> None:
    _row, key = api_keys.issue(alice, "reader", ["read"])
    answer = anonymous.post(BATCH, {"videos": TWO}, format="json", headers={"X-API-Key": key})
    assert (answer.status_code, Video.objects.count()) == (403, 0)


def test_videos_of_a_batch_are_404_for_a_stranger(api: APIClient, alice: User) -> None:
    made = send(api, TWO).json()["videos"][1]["id"]
    stranger = signed_in(create_user("mallory"))
    assert stranger.get(f"/api/videos/{made}").status_code == 404


def test_session_cookie_needs_the_csrf_token(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    answer = browser.post(BATCH, {"videos": TWO}, content_type="application/json")
    assert (answer.status_code, Video.objects.count()) == (403, 0)


# ---- what is refused as a whole ----


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({}, [("videos", "value_error.missing")]),
        ({"videos": []}, [("videos", "value_error.any_str.min_length")]),
        ({"videos": "A boat"}, [("videos", "value_error.not_a_list")]),
        ({"videos": TWO, "max_credits": 0}, [("max_credits", "value_error.number.not_ge")]),
        ({"videos": TWO, "dry_run": "maybe"}, [("dry_run", "value_error.invalid")]),
    ],
)
def test_batch_is_422_when_it_is_no_list_of_orders(
    api: APIClient, body: dict[str, Any], found: list[Any]
) -> None:
    answer = api.post(BATCH, body, format="json")
    assert (answer.status_code, errors(answer)) == (422, found)


def test_batch_is_422_when_it_has_too_many_lines(api: APIClient, settings: LazySettings) -> None:
    settings.BATCH_LINES = 2
    answer = send(api, [*TWO, *TWO])
    assert answer.status_code == 422
    [error] = answer.json()["detail"]
    assert error["msg"] == "A batch has at most 2 videos; these are 4."


def test_batch_is_402_and_charges_nothing_when_the_balance_pays_for_some(
    api: APIClient, alice: User
) -> None:
    answer = send(api, TWO * 3)
    assert (answer.status_code, answer.json()) == (
        402,
        {"detail": "Insufficient credits. You need 150 credits but only have 100 available."},
    )
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)


def test_batch_is_409_when_it_costs_more_than_was_agreed(api: APIClient, alice: User) -> None:
    Price.objects.create(kind=Price.Kind.TEXT, model="sora-2", credits=26)
    answer = send(api, TWO, max_credits=50)
    assert (answer.status_code, answer.json()["code"], answer.json()["credits"]) == (
        409,
        "price_changed",
        56,
    )
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)
    assert send(api, TWO, max_credits=56).status_code == 201


def test_body_of_large_prompts_is_read(api: APIClient, alice: User) -> None:
    credits.grant(alice, 2000, credits.Kind.BONUS, "more", expires_at=None)
    answer = send(api, [{"prompt": "雨" * 5000}] * 90, dry_run=True)
    assert (answer.status_code, answer.json()["credits"]) == (200, 1800)


# ---- lines with faults ----


def test_every_fault_of_every_line_is_named_and_nothing_is_charged(
    api: APIClient, alice: User
) -> None:
    lines = [
        {"prompt": "A boat"},
        {"prompt": " ", "seed": -1, "size": "1x1"},
        {"prompt": "A kite", "model": "sora-9"},
        {"prompt": "A kite", "size": "1x1", "seconds": 5, "seed": 7},
        "A kite",
        {"prompt": "A kite", "input_reference": "boat.png"},
        {"prompt": "A kite", "max_credits": 19},
        {"prompt": "A kite", "quote": "stale"},
        {},
    ]
    answer = send(api, lines)
    assert (answer.status_code, errors(answer)) == (
        422,
        [
            ("videos", 1, "seed", "value_error.number.not_ge"),
            ("videos", 1, "prompt", "value_error.any_str.min_length"),
            ("videos", 1, "size", "value_error.not_offered"),
            ("videos", 2, "model", "value_error.not_offered"),
            ("videos", 3, "size", "value_error.not_offered"),
            ("videos", 3, "seconds", "value_error.not_offered"),
            ("videos", 3, "seed", "value_error.not_offered"),
            ("videos", 4, "value_error.invalid"),
            ("videos", 5, "input_reference", "value_error.not_offered"),
            ("videos", 6, "max_credits", "value_error.price_changed"),
            ("videos", 7, "quote", "value_error.invalid_quote"),
            ("videos", 8, "prompt", "value_error.missing"),
        ],
    )
    assert answer.json()["detail"][3]["msg"].startswith("Unknown model. Choose one of: ")
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)


def test_line_is_refused_when_its_model_is_paused(api: APIClient) -> None:
    PausedModel.objects.create(model="sora-2-pro", sentence="Back at noon.")
    answer = send(api, TWO)
    assert errors(answer) == [("videos", 1, "model", "value_error.not_offered")]
    assert answer.json()["detail"][0]["msg"] == "Back at noon."


def test_prompts_that_moderation_refuses_are_named_and_kept_for_staff(
    api: APIClient, alice: User
) -> None:
    answer = send(api, [{"prompt": BAD}, *TWO, {"prompt": BAD}])
    assert errors(answer) == [
        ("videos", 0, "prompt", "value_error.moderation_blocked"),
        ("videos", 3, "prompt", "value_error.moderation_blocked"),
    ]
    assert list(RejectedPrompt.objects.values_list("prompt", flat=True)) == [BAD]
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)


def test_batch_is_refused_when_the_user_is_locked(
    api: APIClient, alice: User, settings: LazySettings
) -> None:
    settings.MODERATION_STRIKES = 1
    send(api, [{"prompt": BAD}])
    answer = send(api, TWO)
    assert (answer.status_code, answer.json()["code"]) == (400, "generation_locked")


# ---- limits of an API key ----


def test_line_is_refused_when_the_key_may_not_order_its_model(
    anonymous: APIClient, alice: User
) -> None:
    row, key = api_keys.issue(alice, "cheap", ["generate"])
    type(row).objects.filter(pk=row.pk).update(allowed_models=["sora-2"])
    answer = anonymous.post(BATCH, {"videos": TWO}, format="json", headers={"X-API-Key": key})
    assert errors(answer) == [("videos", 1, "model", "value_error.key_limit")]


@pytest.mark.parametrize(("limit", "status", "made"), [(49, 403, 0), (50, 201, 2)])
def test_credits_per_day_of_a_key_hold_for_the_whole_batch(
    anonymous: APIClient, alice: User, limit: int, status: int, made: int
) -> None:
    row, key = api_keys.issue(alice, "cheap", ["generate"])
    type(row).objects.filter(pk=row.pk).update(credits_per_day=limit)
    answer = anonymous.post(BATCH, {"videos": TWO}, format="json", headers={"X-API-Key": key})
    assert (answer.status_code, Video.objects.filter(api_key=row).count()) == (status, made)


# ---- dry runs ----


def test_dry_run_shows_price_and_faults_of_each_line_and_orders_nothing(
    api: APIClient, alice: User
) -> None:
    answer = send(api, [*TWO, {"prompt": "A kite", "seconds": 5}], key="k", dry_run=True)
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "lines": [
                {"credits": 20, "errors": []},
                {"credits": 30, "errors": []},
                {
                    "credits": None,
                    "errors": [
                        {
                            "loc": ["body", "videos", 2, "seconds"],
                            "msg": "Sora 2 makes videos of 4, 8, 12, 16, 20 seconds.",
                            "type": "value_error.not_offered",
                        }
                    ],
                },
            ],
            "credits": 50,
            "faulty": 1,
            "available": 100,
            "available_after": 50,
        },
    )
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)
    assert send(api, TWO, key="k").status_code == 201


def test_dry_run_shows_how_many_credits_are_missing(api: APIClient, alice: User) -> None:
    assert send(api, TWO * 3, dry_run=True).json()["available_after"] == -50


# ---- idempotency ----


def test_batch_is_ordered_once_when_its_key_is_repeated(api: APIClient, alice: User) -> None:
    first, again = (send(api, TWO, key="k") for _ in range(2))
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert ("Idempotent-Replayed" in first, again["Idempotent-Replayed"]) == (False, "true")
    assert (Video.objects.count(), credits.available(alice)) == (2, 50)


def test_answer_is_repeated_when_the_batch_could_not_be_ordered_any_more(
    api: APIClient, alice: User
) -> None:
    first = send(api, TWO, key="k")
    credits.spend(alice, 50, "all")
    PausedModel.objects.create(model="sora-2", sentence="Back at noon.")
    assert send(api, TWO, key="k").json() == first.json()


def test_answer_still_has_every_line_when_a_video_was_deleted(api: APIClient) -> None:
    first = send(api, TWO, key="k").json()
    assert api.delete(f"/api/videos/{first['videos'][1]['id']}").status_code == 200
    again = send(api, TWO, key="k").json()
    assert [v["id"] for v in again["videos"]] == [v["id"] for v in first["videos"]]


@pytest.mark.parametrize("other", [TWO[:1], TWO[::-1], [*TWO, TWO[0]]])
def test_key_is_refused_when_the_batch_differs(api: APIClient, other: list[Any]) -> None:
    send(api, TWO, key="k")
    answer = send(api, other, key="k")
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_mismatch")
    assert Video.objects.count() == 2


def test_key_can_be_used_again_after_a_refusal(api: APIClient, alice: User) -> None:
    assert send(api, TWO * 3, key="k").status_code == 402
    assert send(api, TWO, key="k").status_code == 201


# ---- rate limit, queries ----


def test_each_line_counts_against_the_limit_of_batches(
    api: APIClient, alice: User, settings: LazySettings
) -> None:
    settings.RATE_BATCH = (5, 600)
    credits.grant(alice, 100, credits.Kind.BONUS, "more", expires_at=None)
    assert send(api, [{"prompt": ""}] * 5).status_code == 422  # a faulty one does not count
    assert send(api, TWO, key="k").status_code == 201
    assert send(api, TWO, key="k").status_code == 201  # a repeated one neither
    answer = send(api, [TWO[0]] * 4)
    assert (answer.status_code, "Retry-After" in answer) == (429, True)
    assert Video.objects.count() == 2


def test_a_line_more_reads_only_prices_and_pauses(api: APIClient, alice: User) -> None:
    def count(lines: int) -> int:
        with CaptureQueriesContext(connection) as made:
            send(api, [TWO[0]] * lines, dry_run=True)
        return len(made)

    count(1)
    assert (count(7) - count(2)) / 5 <= 3
