"""Requests made from the schema break nothing; `python -m tests.fuzz` asks for many more."""

import pytest

from tests import fuzz
from tests.tiers import rounds


@pytest.mark.embedded
@pytest.mark.timeout(3600)
def test_generated_requests_of_two_users_break_nothing() -> None:
    assert fuzz.run("--max-examples", str(rounds(2, 30)), "--warnings", "off") == 0
