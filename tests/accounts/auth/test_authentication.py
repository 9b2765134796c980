"""GET /api/auth/me, and which bearer tokens are accepted."""

from datetime import timedelta

import jwt
import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import AccessToken

from accounts.auth import tokens
from accounts.models import Session, User

NOT_SIGNED_IN = {"detail": "Not authenticated"}


def test_account_is_shown_when_signed_in(api: APIClient, alice: User) -> None:
    answer = api.get("/api/auth/me")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "id": str(alice.pk),
            "email": "alice@example.com",
            "username": "alice",
            "name": "alice",
            "credits": 100,
            "avatar_url": None,
            "is_verified": False,
        },
    )
    assert answer["Cache-Control"] == "private, no-store"


def test_request_needs_two_queries(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        api.get("/api/auth/me")


def test_page_session_is_accepted_when_it_reads(page: Client, alice: User) -> None:
    assert page.get("/api/auth/me").json()["id"] == str(alice.pk)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer x", "Bearer a b", "Basic YTpi", "Bearer a.b.c", "Bearer é"],
)
def test_request_is_refused_when_the_header_is_malformed(
    anonymous: APIClient, db: None, header: str
) -> None:
    answer = anonymous.get("/api/auth/me", HTTP_AUTHORIZATION=header)
    assert (answer.status_code, answer.json()) == (401, NOT_SIGNED_IN)
    assert answer["WWW-Authenticate"] == "Bearer"


def test_token_is_accepted_when_the_scheme_is_in_lower_case(alice: User) -> None:
    token = tokens.sign_in(alice, Session.Grant.PASSWORD).access
    client = APIClient(headers={"Authorization": f"bearer {token}"})
    assert client.get("/api/auth/me").status_code == 200


def test_request_is_refused_when_the_token_is_a_refresh_token(
    anonymous: APIClient, alice: User
) -> None:
    token = tokens.sign_in(alice, Session.Grant.PASSWORD).refresh
    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert anonymous.get("/api/auth/me").status_code == 401


def test_request_is_refused_when_the_token_has_expired(api: APIClient) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1)):
        assert api.get("/api/auth/me").status_code == 401


def test_request_is_refused_when_the_user_is_inactive(api: APIClient, alice: User) -> None:
    User.objects.update(is_active=False)
    assert api.get("/api/auth/me").json() == NOT_SIGNED_IN


def test_request_is_refused_when_the_token_names_no_session(
    anonymous: APIClient, alice: User
) -> None:
    token = AccessToken()
    token["sub"] = str(alice.pk)
    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert anonymous.get("/api/auth/me").status_code == 401


def test_request_is_refused_when_the_session_belongs_to_another_user(
    anonymous: APIClient, alice: User, bob: User
) -> None:
    tokens.sign_in(bob, Session.Grant.PASSWORD)
    token = AccessToken()
    token["sub"], token["sid"] = str(alice.pk), str(Session.objects.get().pk)
    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert anonymous.get("/api/auth/me").status_code == 401


@pytest.mark.parametrize("expiry", [10**18, -(10**18), 1e300, "soon", None, [], True])
def test_request_is_refused_when_the_expiry_of_a_signed_token_is_no_date(
    alice: User, expiry: object
) -> None:
    access = tokens.sign_in(alice, Session.Grant.PASSWORD).access
    claims = jwt.decode(access, options={"verify_signature": False})
    forged = jwt.encode({**claims, "exp": expiry}, settings.JWT_SECRET, algorithm="HS256")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {forged}")
    assert client.get("/api/auth/me").status_code == 401
