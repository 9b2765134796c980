"""Import of users.json: users of system A keep their passwords, existing accounts are unchanged."""

import json
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import identify_hasher
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from accounts.models import User
from accounts.people import import_users
from billing.ledger import credits, invariants


@pytest.fixture(autouse=True)
def _real_hashers(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = [
        *settings.PASSWORD_HASHERS,
        "accounts.people.import_users.TruncatingBcryptHasher",
    ]


def hashed(password: str, prefix: str = "2b", cost: int = 4) -> str:
    salt = bcrypt.gensalt(cost).replace(b"$2b$", f"${prefix}$".encode())
    return bcrypt.hashpw(password.encode()[:72], salt).decode()


def entry(name: str, password: str = "old-secret", **fields: Any) -> dict[str, Any]:
    return {"id": "user_1", "username": name, "password": hashed(password), **fields}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users.json"


def run_import(file: Path, *entries: object) -> import_users.ImportReport:
    file.write_text(json.dumps(entries))
    return import_users.import_users(file)


def login(name: str, password: str) -> int:
    body = {"username": name, "password": password}
    return APIClient().post("/api/auth/login", body, format="json").status_code


def test_user_keeps_the_password_and_gets_welcome_credits_when_imported(
    db: None, file: Path
) -> None:
    assert run_import(file, entry("vera")) == import_users.ImportReport(opened=["vera"])
    assert (login("vera", "other"), login("vera", "old-secret")) == (401, 200)
    assert credits.available(User.objects.get()) == 100
    assert invariants.problems() == []


def test_imported_user_can_sign_in_when_addresses_are_hidden(
    db: None, file: Path, settings: LazySettings
) -> None:
    settings.HIDE_REGISTERED_ADDRESSES = True
    run_import(file, entry("vera"))
    assert login("vera", "old-secret") == 200


def test_sign_in_succeeds_when_the_hash_has_the_documented_cost(db: None, file: Path) -> None:
    known = "$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"
    run_import(file, {"id": "user_1", "username": "admin", "password": known})
    assert login("admin", "secret") == 200


def test_hash_is_replaced_when_the_user_signs_in_first(db: None, file: Path) -> None:
    run_import(file, entry("vera"))
    kinds = []
    for _ in range(2):
        kinds.append(identify_hasher(User.objects.get().password).algorithm)
        assert login("vera", "old-secret") == 200
    assert kinds == ["bcrypt", "md5"]  # md5 is what tests hash with


@pytest.mark.parametrize("prefix", ["2a", "2b", "2y"])
def test_sign_in_succeeds_when_the_hash_has_another_bcrypt_prefix(
    db: None, file: Path, prefix: str
) -> None:
    run_import(file, {"username": "vera", "password": hashed("old-secret", prefix)})
    assert login("vera", "old-secret") == 200


def test_sign_in_succeeds_when_the_password_exceeds_72_bytes(db: None, file: Path) -> None:
    long = "ü" * 50
    run_import(file, entry("vera", long))
    assert (login("vera", "x" * 100), login("vera", long)) == (401, 200)


def test_users_are_unchanged_when_the_import_is_repeated(db: None, file: Path) -> None:
    run_import(file, entry("vera"))
    login("vera", "old-secret")
    before = User.objects.values_list("password", "updated_at").get()
    assert run_import(file, entry("VERA", "new-secret")) == import_users.ImportReport(kept=["VERA"])
    assert User.objects.values_list("password", "updated_at").get() == before
    assert (login("vera", "new-secret"), login("vera", "old-secret")) == (401, 200)


def test_password_is_not_overwritten_when_the_account_exists(alice: User, file: Path) -> None:
    entries = entry("alice", "stolen"), entry("eve", "stolen", email="alice@example.com")
    assert run_import(file, *entries) == import_users.ImportReport(kept=["alice", "eve"])
    assert (login("alice", "stolen"), login("alice", "alice-password")) == (401, 200)
    assert list(User.objects.all()) == [alice]


def test_e_mail_address_is_set_when_the_username_is_an_address(db: None, file: Path) -> None:
    run_import(file, entry("vera@example.com"))
    assert User.objects.get().email == "vera@example.com"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("vera", "not an object"),
        ({}, "no usable username"),
        ({"username": "a b", "password": ""}, "no usable username"),
        ({"username": "x" * 151}, "no usable username"),
        ({"username": 5}, "no usable username"),
        ({"username": "vera", "password": "secret"}, "the password of vera is not a bcrypt hash"),
        ({"username": "vera"}, "the password of vera is not a bcrypt hash"),
        (entry("vera", email="none"), "the address of vera is none"),
        (
            entry("v@example.com", email="o@example.com"),
            "v@example.com is an address",
        ),
        (
            {"username": "vera", "password": "$2b$31$" + "a" * 53},
            "the password of vera is not a bcrypt hash",
        ),
    ],
)
def test_other_entries_are_imported_when_one_is_invalid(
    db: None, file: Path, bad: object, reason: str
) -> None:
    report = run_import(file, bad, entry("otto"))
    assert (report.opened, report.kept, len(report.refused)) == (["otto"], [], 1)
    assert report.refused[0].startswith(f"entry 1: {reason}")


@pytest.mark.parametrize("text", [None, "", "{}", "nonsense", "[" * 100_000])
def test_command_fails_when_the_file_is_not_a_list(db: None, file: Path, text: str | None) -> None:
    if text is not None:
        file.write_text(text)
    with pytest.raises(CommandError):
        call_command("import_users", file)


def test_command_prints_what_it_imported(
    alice: User, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(json.dumps([entry("vera"), entry("alice"), {}]))
    call_command("import_users", str(file))
    printed = capsys.readouterr()
    assert printed.out == "1 imported, 1 existed already.\n"
    assert printed.err == "Not imported: entry 3: no usable username\n"
