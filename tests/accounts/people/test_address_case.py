"""An e-mail address is the same in every spelling: its case never matters."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.people import import_users
from tests.accounts.conftest import VERA, sign_in_with_code, user_of
from tests.accounts.google_provider import GoogleProvider
from tests.conftest import create_user

TYPED = "Emil.1@Example.com"
SPELLINGS = [TYPED, "emil.1@example.com", "EMIL.1@EXAMPLE.COM"]
PASSWORD = "tin-lantern-9"


def register(address: str, name: str) -> int:
    body = {"username": name, "email": address, "password": PASSWORD}
    return APIClient().post("/api/auth/register", body, format="json").status_code


def sign_in(**body: str) -> int:
    return APIClient().post("/api/auth/login", body, format="json").status_code


def sign_in_on_page(login: str, password: str) -> int:
    sent = {"login": login, "password": password}
    return Client().post("/accounts/login/", sent).status_code


def addresses() -> list[str]:
    return list(User.objects.order_by("username").values_list("email", flat=True))


@pytest.fixture
def emil(db: None) -> User:
    assert register(TYPED, "emil") == 201
    return User.objects.get()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_sign_in_and_reset_succeed_when_the_address_was_stored_in_another_case(
    emil: User, spelling: str
) -> None:
    by_api = [
        sign_in(email=spelling, password=PASSWORD),
        sign_in(username=spelling, password=PASSWORD),
    ]
    assert (by_api, sign_in_on_page(spelling, PASSWORD)) == ([200, 200], 302)
    Client().post("/accounts/password/reset/", {"email": spelling})
    reset = mail.outbox[-1]
    assert (reset.to, "/accounts/password/reset/key/" in reset.body) == ([emil.email], True)


def test_no_second_account_is_opened_when_the_address_differs_in_case_only(emil: User) -> None:
    sent = {"username": "other", "email": "eMIL.1@example.com", "password1": PASSWORD}
    assert register(SPELLINGS[2], "third") == 400
    assert Client().post("/accounts/signup/", sent).status_code == 200
    assert addresses() == ["emil.1@example.com"]


def test_imported_user_signs_in_when_the_file_has_an_address_with_capitals(
    db: None, tmp_path: Path
) -> None:
    file, known = (
        tmp_path / "users.json",
        "$2b$04$abcdefghijklmnopqrstuuKgR7E9LqyKwTcyKzNHkOoPVHQh0aO6u",
    )
    entry = {"username": "greta", "email": "Greta@Example.com", "password": known}
    again = {**entry, "username": "greta2", "email": "GRETA@example.com"}
    file.write_text(json.dumps([entry, again]))
    report = import_users.import_users(file)
    assert (report.opened, report.kept, addresses()) == (
        ["greta"],
        ["greta2"],
        ["greta@example.com"],
    )


def test_google_links_the_account_when_it_states_the_address_in_another_case(
    google: GoogleProvider, db: None
) -> None:
    vera = create_user("vera")
    google.person = {**VERA, "email": "Vera@Example.com"}
    assert user_of(sign_in_with_code(google)) == vera
    assert addresses() == ["vera@example.com"]


def test_address_is_stored_in_lower_case_when_staff_add_or_change_it(db: None) -> None:
    user = create_user("ann")
    user.email = "Ann@Example.com"
    user.save()
    User.objects.filter(pk=create_user("bea").pk).update(email="Bea@Example.com")
    assert (user.email, addresses()) == (
        "ann@example.com",
        ["ann@example.com", "bea@example.com"],
    )


def store_as_typed(user: User, address: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_user SET email = %s WHERE username = %s", [address, user.username]
        )


def migrate() -> None:
    migration: Any = import_module("accounts.migrations.0002_lowercase_addresses")
    with connection.schema_editor(atomic=False) as editor:
        migration.lower_addresses(apps, editor)


@pytest.mark.django_db(transaction=True)
def test_existing_account_signs_in_by_address_when_the_database_is_migrated() -> None:
    store_as_typed(create_user("emil"), TYPED)
    refused = sign_in(email=TYPED, password="emil-password")
    migrate()
    found = [sign_in(email=spelling, password="emil-password") for spelling in SPELLINGS]
    assert (refused, found, addresses()) == (401, [200, 200, 200], ["emil.1@example.com"])


# PostgreSQL knows the case of all letters.
@pytest.mark.embedded
@pytest.mark.django_db(transaction=True)
def test_both_accounts_are_kept_when_their_addresses_became_the_same() -> None:
    store_as_typed(create_user("anna"), "a@ünter.example")
    store_as_typed(create_user("berta"), "a@Ünter.example")
    migrate()
    assert addresses() == ["a@ünter.example", "a@Ünter.example"]
    assert [sign_in(username=n, password=f"{n}-password") for n in ("anna", "berta")] == [200, 200]
