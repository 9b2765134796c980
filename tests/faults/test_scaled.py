"""Two web processes, three workers and two beats behind PgBouncer, with kills and restarts.

`python -m benchmarks.scaled --orders 10000` is the same with more orders.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from benchmarks.scaled import pgbouncer
from tests.faults.processes import POSTGRES

pytestmark = [pytest.mark.fault, pytest.mark.thorough]
__test__ = POSTGRES
ORDERS = 60
SERVICES = {"DATABASE_URL", "REDIS_URL", "DATA_DIR"}


def test_nothing_is_lost_or_doubled_in_scaled_mode_behind_pgbouncer(tmp_path: Path) -> None:
    assert pgbouncer.is_installed(), "no PgBouncer was found; Debian: apt-get install pgbouncer"
    into = tmp_path / "outcome.json"
    own = {name: value for name, value in os.environ.items() if name not in SERVICES}
    command = [sys.executable, "-m", "benchmarks.scaled", "--pause", "3", "--into", str(into)]
    ended = subprocess.run(
        [*command, "--orders", str(ORDERS)],
        cwd=settings.BASE_DIR, env=own, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert into.exists(), ended.stderr[-6000:]
    outcome = json.loads(into.read_text())
    assert {name: n for name, n in outcome["faults"].items() if n} == {}
    assert sum(outcome["figures"]["states"].values()) == ORDERS
