"""Requests generated from the schema cause no server error; `python -m tests.fuzz` sends more."""

import pytest

from tests import fuzz
from tests.tiers import rounds


@pytest.mark.embedded
@pytest.mark.timeout(3600)
def test_server_has_no_errors_when_two_users_send_generated_requests() -> None:
    assert fuzz.run("--max-examples", str(rounds(2, 30)), "--warnings", "off") == 0
