"""POST /api/auth/password, and which sessions a new password ends."""

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
VALID = {"current_password": "alice-password", "new_password": "tin-lantern-9"}


def change_on_page(client: Any, **body: Any) -> Any:
    return client.post(PATH, {**VALID, **body}, content_type="application/json")


def change_password(client: APIClient, **body: Any) -> Any:
    return client.post(PATH, {**VALID, **body}, format="json")


def password_works(password: str) -> bool:
    try:
        passwords.check_password(None, "alice", password)
    except errors.BadCredentials:
        return False
    return True


def test_other_sessions_end_when_the_password_is_changed_by_api(
    api: APIClient, alice: User
) -> None:
    other, page = signed_in(alice), Client()
    page.force_login(alice)
    answer = change_password(api)
    assert (answer.status_code, answer.json()) == (200, {"message": "Password changed"})
    codes = [client.get("/api/auth/me").status_code for client in (api, other, page)]
    assert codes == [200, 401, 401]
    assert (password_works("alice-password"), password_works("tin-lantern-9")) == (False, True)


def test_other_sessions_end_when_the_password_is_changed_by_page(page: Client, alice: User) -> None:
    token = signed_in(alice)
    assert change_on_page(page).status_code == 200
    assert (page.get("/api/auth/me").status_code, token.get("/api/auth/me").status_code) == (
        200,
        401,
    )


def test_api_keys_stay_active_when_the_password_is_changed(api: APIClient, alice: User) -> None:
    api_keys.issue(alice, "laptop", ["read"])
    change_password(api)
    assert ApiKey.objects.active().count() == 1


def test_change_is_refused_when_the_current_password_is_wrong(api: APIClient, alice: User) -> None:
    answer = change_password(api, current_password="guess")
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")
    assert password_works("alice-password")


@pytest.mark.parametrize("password", ["short-1", "password123", "alice@example.com", "", "x" * 129])
def test_change_is_refused_when_the_new_password_is_weak(api: APIClient, password: str) -> None:
    answer = change_password(api, new_password=password)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (
        422,
        ["body", "new_password"],
    )
    assert password_works("alice-password")


def test_change_is_refused_when_the_user_has_no_password(api: APIClient, alice: User) -> None:
    alice.set_unusable_password()
    alice.save()
    assert (change_password(api).status_code, change_password(api).json()["code"]) == (
        400,
        "no_password",
    )


def test_change_is_refused_when_anonymous(anonymous: APIClient, db: None) -> None:
    assert change_password(anonymous).status_code == 401


def test_change_is_refused_when_signed_in_by_key(alice: User) -> None:
    client = APIClient(headers={"X-API-Key": api_keys.issue(alice, "k", ApiKey.Scope.values)[1]})
    assert change_password(client).status_code == 403


def test_every_session_ends_when_the_password_is_reset_by_e_mail(
    api: APIClient, alice: User
) -> None:
    page = Client()
    page.post("/accounts/password/reset/", {"email": "alice@example.com"})
    link = re.search(r"/accounts/password/reset/key/\S+", str(mail.outbox[0].body))
    assert link
    form = page.get(link[0], follow=True)
    new = {"password1": "tin-lantern-9", "password2": "tin-lantern-9"}
    assert page.post(form.request["PATH_INFO"], new).status_code == 302
    assert (password_works("tin-lantern-9"), api.get("/api/auth/me").status_code) == (True, 401)
    assert Session.objects.get().revoked_at is not None
