"""/developers/keys/: create, list and revoke API keys on a page."""

import re

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.models import ApiKey, User

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
