"""users.json: people of system A keep their passwords, and nobody else loses theirs."""

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


def bring(file: Path, *entries: object) -> import_users.Report:
    file.write_text(json.dumps(entries))
    return import_users.import_users(file)


def login(name: str, password: str) -> int:
    body = {"username": name, "password": password}
    return APIClient().post("/api/auth/login", body, format="json").status_code


def test_a_person_keeps_the_password_and_gets_the_welcome_credits(db: None, file: Path) -> None:
    assert bring(file, entry("vera")) == import_users.Report(opened=["vera"])
    assert (login("vera", "other"), login("vera", "old-secret")) == (401, 200)
    assert credits.available(User.objects.get()) == 100
    assert invariants.problems() == []


def test_the_documented_cost_verifies(db: None, file: Path) -> None:
    known = "$2b$10$abcdefghijklmnopqrstuuqflPDzB6gcMhKa1rZqKiun2YGL5sa2u"
    bring(file, {"id": "user_1", "username": "admin", "password": known})
    assert login("admin", "secret") == 200


def test_the_hash_is_replaced_at_the_first_sign_in(db: None, file: Path) -> None:
    bring(file, entry("vera"))
    kinds = []
    for _ in range(2):
        kinds.append(identify_hasher(User.objects.get().password).algorithm)
        assert login("vera", "old-secret") == 200
    assert kinds == ["bcrypt", "md5"]  # md5 is what tests hash with


@pytest.mark.parametrize("prefix", ["2a", "2b", "2y"])
def test_every_spelling_of_bcrypt_verifies(db: None, file: Path, prefix: str) -> None:
    bring(file, {"username": "vera", "password": hashed("old-secret", prefix)})
    assert login("vera", "old-secret") == 200


def test_a_long_password_verifies_as_it_did(db: None, file: Path) -> None:
    long = "ü" * 50
    bring(file, entry("vera", long))
    assert (login("vera", "x" * 100), login("vera", long)) == (401, 200)


def test_nothing_changes_when_repeated(db: None, file: Path) -> None:
    bring(file, entry("vera"))
    login("vera", "old-secret")
    before = User.objects.values_list("password", "updated_at").get()
    assert bring(file, entry("VERA", "new-secret")) == import_users.Report(kept=["VERA"])
    assert User.objects.values_list("password", "updated_at").get() == before
    assert (login("vera", "new-secret"), login("vera", "old-secret")) == (401, 200)


def test_nobodys_password_is_overwritten(alice: User, file: Path) -> None:
    mine = entry("alice", "stolen"), entry("eve", "stolen", email="alice@example.com")
    assert bring(file, *mine) == import_users.Report(kept=["alice", "eve"])
    assert (login("alice", "stolen"), login("alice", "alice-password")) == (401, 200)
    assert list(User.objects.all()) == [alice]


def test_a_name_that_is_an_address_is_the_address(db: None, file: Path) -> None:
    bring(file, entry("vera@example.com"))
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
def test_a_bad_entry_is_left_out_and_the_others_are_not(
    db: None, file: Path, bad: object, reason: str
) -> None:
    report = bring(file, bad, entry("otto"))
    assert (report.opened, report.kept, len(report.refused)) == (["otto"], [], 1)
    assert report.refused[0].startswith(f"entry 1: {reason}")


@pytest.mark.parametrize("text", [None, "", "{}", "nonsense", "[" * 100_000])
def test_refused_when_the_file_is_no_list(db: None, file: Path, text: str | None) -> None:
    if text is not None:
        file.write_text(text)
    with pytest.raises(CommandError):
        call_command("import_users", file)


def test_the_command_says_what_it_did(
    alice: User, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(json.dumps([entry("vera"), entry("alice"), {}]))
    call_command("import_users", str(file))
    said = capsys.readouterr()
    assert said.out == "1 imported, 1 existed already.\n"
    assert said.err == "Not imported: entry 3: no usable username\n"
