"""POST /api/auth/password, and what a new password ends."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient

from accounts.auth import api_keys, errors, passwords
from accounts.models import ApiKey, Session, User
from tests.conftest import signed_in

PATH = "/api/auth/password"
GOOD = {"current_password": "alice-password", "new_password": "tin-lantern-9"}


def change(client: Any, **body: Any) -> Any:
    return client.post(PATH, {**GOOD, **body}, content_type="application/json")


def send(client: APIClient, **body: Any) -> Any:
    return client.post(PATH, {**GOOD, **body}, format="json")


def works(password: str) -> bool:
    try:
        passwords.check_password(None, "alice", password)
    except errors.BadCredentials:
        return False
    return True


def test_only_the_asking_session_lives_on_when_changed(api: APIClient, alice: User) -> None:
    other, page = signed_in(alice), Client()
    page.force_login(alice)
    answer = send(api)
    assert (answer.status_code, answer.json()) == (200, {"message": "Password changed"})
    codes = [client.get("/api/auth/me").status_code for client in (api, other, page)]
    assert codes == [200, 401, 401]
    assert (works("alice-password"), works("tin-lantern-9")) == (False, True)


def test_the_asking_page_lives_on_when_changed(page: Client, alice: User) -> None:
    token = signed_in(alice)
    assert change(page).status_code == 200
    assert (page.get("/api/auth/me").status_code, token.get("/api/auth/me").status_code) == (
        200,
        401,
    )


def test_keys_live_on_when_changed(api: APIClient, alice: User) -> None:
    api_keys.issue(alice, "laptop", ["read"])
    send(api)
    assert ApiKey.objects.active().count() == 1


def test_refused_when_the_current_one_is_wrong(api: APIClient, alice: User) -> None:
    answer = send(api, current_password="guess")
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")
    assert works("alice-password")


@pytest.mark.parametrize("password", ["short-1", "password123", "alice@example.com", "", "x" * 129])
def test_refused_when_the_new_one_is_weak(api: APIClient, password: str) -> None:
    answer = send(api, new_password=password)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (
        422,
        ["body", "new_password"],
    )
    assert works("alice-password")


def test_refused_when_there_is_none_to_change(api: APIClient, alice: User) -> None:
    alice.set_unusable_password()
    alice.save()
    assert (send(api).status_code, send(api).json()["code"]) == (400, "no_password")


def test_refused_when_anonymous(anonymous: APIClient, db: None) -> None:
    assert send(anonymous).status_code == 401


def test_no_key_may_change_it(alice: User) -> None:
    client = APIClient(headers={"X-API-Key": api_keys.issue(alice, "k", ApiKey.Scope.values)[1]})
    assert send(client).status_code == 403


def test_every_token_ends_when_it_is_reset_by_mail(api: APIClient, alice: User) -> None:
    page = Client()
    page.post("/accounts/password/reset/", {"email": "alice@example.com"})
    link = re.search(r"/accounts/password/reset/key/\S+", str(mail.outbox[0].body))
    assert link
    form = page.get(link[0], follow=True)
    new = {"password1": "tin-lantern-9", "password2": "tin-lantern-9"}
    assert page.post(form.request["PATH_INFO"], new).status_code == 302
    assert (works("tin-lantern-9"), api.get("/api/auth/me").status_code) == (True, 401)
    assert Session.objects.get().revoked_at is not None
