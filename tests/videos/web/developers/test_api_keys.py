"""/developers/keys/: create, list, change and revoke API keys on a page."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.models import ApiKey, User
from tests.markup import flat
from tests.videos.conftest import failed, order

FORM = {"name": "Newsletter", "scopes": ["read"], "days": "30"}


def test_page_requires_signing_in(db: None) -> None:
    assert Client().get("/developers/keys/").status_code == 302


def test_key_is_shown_once_and_works_when_created(page: Client, alice: User) -> None:
    answer = page.post("/developers/keys/", FORM)
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    (text,) = re.findall(r"fl_[0-9A-Za-z]{36}", answer.content.decode())
    client = APIClient(headers={"authorization": f"Bearer {text}"})
    assert client.get("/api/auth/me").json()["username"] == "alice"
    key = ApiKey.objects.get()
    assert (key.name, key.scopes, key.user) == ("Newsletter", ["read"], alice)
    assert key.expires_at is not None
    assert text not in page.get("/developers/keys/").content.decode()


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("name", "x" * 81), ("scopes", ["all"]), ("days", "7")]
)
def test_no_key_is_created_when_the_form_is_invalid(
    page: Client, field: str, value: object
) -> None:
    answer = page.post("/developers/keys/", {**FORM, field: value})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert ApiKey.objects.count() == 0


def test_no_key_is_created_when_the_limit_is_reached(page: Client, alice: User) -> None:
    for n in range(api_keys.MAX_ACTIVE):
        api_keys.issue(alice, f"{n}", ["read"])
    answer = page.post("/developers/keys/", FORM)
    assert (answer.status_code, ApiKey.objects.count()) == (422, api_keys.MAX_ACTIVE)


def test_key_stops_working_when_revoked(page: Client, alice: User) -> None:
    key, text = api_keys.issue(alice, "Old", ["read"])
    answer = page.post(f"/developers/keys/{key.pk}/revoke/", follow=True)
    assert b"You revoked the API key Old." in answer.content
    client = APIClient(headers={"authorization": f"Bearer {text}"})
    assert client.get("/api/auth/me").status_code == 401


def test_key_is_not_found_when_it_belongs_to_another_user(page: Client, bob: User) -> None:
    key, _text = api_keys.issue(bob, "Bobs", ["read"])
    assert b"Bobs" not in page.get("/developers/keys/").content
    assert page.post(f"/developers/keys/{key.pk}/revoke/").status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None


def test_limits_are_set_on_the_page_and_changed_later(page: Client, alice: User) -> None:
    limits = {
        "credits_per_day": "40",
        "allowed_models": ["sora-2"],
        "ip_ranges": "203.0.113.7\n2001:db8::/32",
    }
    assert page.post("/developers/keys/", {**FORM, **limits}).status_code == 201
    key = ApiKey.objects.get()
    assert (key.credits_per_day, key.allowed_models) == (40, ["sora-2"])
    assert key.ip_ranges == ["203.0.113.7/32", "2001:db8::/32"]
    shown = flat(page.get("/developers/keys/"))
    assert "0 of 40 credits spent today · only sora-2 · only from 203.0.113.7/32, 2001:" in shown
    until = key.expires_at
    changed = {"name": "Shop", "days": "keep", "credits_per_day": "", "ip_ranges": ""}
    answer = page.post(f"/developers/keys/{key.pk}/", changed, follow=True)
    assert "You changed the API key Shop." in flat(answer)
    key.refresh_from_db()
    assert (key.name, key.credits_per_day, key.allowed_models) == ("Shop", None, [])
    assert (key.ip_ranges, key.expires_at) == ([], until)
    page.post(f"/developers/keys/{key.pk}/", {**changed, "days": ""})
    key.refresh_from_db()
    assert key.expires_at is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("days", "7"),
        ("credits_per_day", "0"),
        ("credits_per_day", "many"),
        ("allowed_models", ["sora-9"]),
        ("ip_ranges", "office"),
        ("ip_ranges", " ".join(f"10.0.0.{n}" for n in range(21))),
    ],
)
def test_key_is_not_changed_when_the_form_is_invalid(
    page: Client, alice: User, field: str, value: object
) -> None:
    key, _text = api_keys.issue(alice, "Shop", ["read"])
    answer = page.post(f"/developers/keys/{key.pk}/", {"name": "New", "days": "", field: value})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert "<h1>Shop</h1>" in answer.content.decode()
    key.refresh_from_db()
    assert key.name == "Shop"


def test_key_page_is_for_the_owner_only(page: Client, bob: User) -> None:
    key, _text = api_keys.issue(bob, "Bobs", ["read"])
    address = f"/developers/keys/{key.pk}/"
    assert Client().get(address).status_code == 302
    assert page.get(address).status_code == 404
    assert page.post(address, {"name": "Mine", "days": ""}).status_code == 404
    assert ApiKey.objects.get().name == "Bobs"


def test_pages_show_what_keys_used(
    page: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    keys = [api_keys.issue(alice, f"Key {n}", ["read"])[0] for n in range(4)]
    for key in keys[:2]:
        order(alice, api_key_id=key.pk)
        failed(order(alice, api_key_id=key.pk))
    page.get("/developers/keys/")
    with django_assert_max_num_queries(9):
        shown = flat(page.get("/developers/keys/"))
    assert shown.count("2 videos in 30 days · 20 credits · 1 failed") == 2
    assert shown.count("No orders in 30 days") == 2
    detail = flat(page.get(f"/developers/keys/{keys[0].pk}/"))
    assert "2 videos in 30 days · 20 credits · 1 failed" in detail
