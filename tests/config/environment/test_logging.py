"""The log says what staff must know, and nothing about ordinary work."""

import logging

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from tests.billing import payment_events
from tests.conftest import signed_in


def test_ordinary_work_logs_no_warning(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    visitor, api = Client(), signed_in(alice)
    wrong = {"login": "alice", "password": "another-password"}
    new = {"username": "noah", "email": "noah@example.com", "password1": "tin-lantern-9"}
    answers = [
        visitor.get("/nothing-here/"),
        visitor.get("/favicon.ico"),
        visitor.post("/accounts/login/", wrong),
        visitor.post("/accounts/password/reset/", {"email": "alice@example.com"}),
        visitor.post("/accounts/signup/", new),
        APIClient().post("/api/auth/login", wrong, format="json"),
        api.post("/api/videos", {"prompt": ""}, format="json"),
        api.get("/v1/videos/characters/char_1"),
        *(api.post("/api/videos", {"prompt": f"A boat {n}"}, format="json") for n in range(6)),
    ]
    payment_events.create_paid_payment(alice)
    codes = [answer.status_code for answer in answers]
    assert codes == [404, 302, 200, 302, 302, 422, 422, 501, *[201] * 5, 402]
    assert [record for record in caplog.records if record.levelno >= logging.INFO] == []
