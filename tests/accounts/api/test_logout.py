"""POST /api/auth/logout."""

from django.test import Client
from rest_framework.test import APIClient

from accounts.auth import tokens as auth_tokens
from accounts.models import Session, User


def test_both_tokens_stop_working_when_signed_out(
    api: APIClient, alice: User, anonymous: APIClient
) -> None:
    tokens = auth_tokens.sign_in(alice, Session.Grant.PASSWORD)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.access}")
    answer = api.post("/api/auth/logout")
    assert (answer.status_code, answer.json()) == (200, {"message": "Successfully logged out"})
    assert api.get("/api/auth/me").status_code == 401
    old_token = {"refresh_token": tokens.refresh}
    assert anonymous.post("/api/auth/refresh", old_token, format="json").status_code == 401


def test_second_sign_out_is_refused(api: APIClient) -> None:
    codes = [api.post("/api/auth/logout").status_code for _ in range(2)]
    assert codes == [200, 401]


def test_other_sessions_continue_when_one_is_signed_out(api: APIClient, alice: User) -> None:
    other = auth_tokens.sign_in(alice, Session.Grant.PASSWORD)
    api.post("/api/auth/logout")
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {other.access}")
    assert api.get("/api/auth/me").status_code == 200


def test_sign_out_is_refused_when_anonymous(anonymous: APIClient, db: None) -> None:
    answer = anonymous.post("/api/auth/logout")
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


def test_sign_out_is_refused_when_a_page_session_sends_no_csrf_token(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    answer = browser.post("/api/auth/logout")
    assert answer.status_code == 403
    assert list(answer.json()) == ["detail"]
