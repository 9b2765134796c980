"""Requests generated from the schema cause no server error; `python -m tests.fuzz` sends more."""

import pytest

from tests import fuzz, tiers


@pytest.mark.embedded
@pytest.mark.timeout(3600)
def test_server_has_no_errors_when_two_users_send_generated_requests() -> None:
    # The phase "coverage" sends 2,000 boundary values, which takes most of a minute.
    phases = "examples,coverage,fuzzing,stateful" if tiers.THOROUGH else "examples,fuzzing,stateful"
    examples = str(tiers.rounds(2, 30))
    assert fuzz.run("--max-examples", examples, "--phases", phases, "--warnings", "off") == 0
