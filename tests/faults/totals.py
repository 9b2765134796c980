"""The totals of all fault tests over all processes of a test run, for its last line."""

import json
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from tests.faults.checks import Violations
from tests.faults.processes import POSTGRES

# Set by the first process of a run and inherited by the others.
FOLDER = "FIRSTLIGHT_FAULT_TALLY"


def open_folder() -> None:
    if FOLDER not in os.environ:
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="firstlight-tally-")


def add(kills: int, videos: int, found: Violations) -> None:
    counts = {"kills": kills, "videos": videos, **found.counts()}
    with (Path(os.environ[FOLDER]) / str(os.getpid())).open("a") as file:
        file.write(json.dumps(counts) + "\n")


def close() -> str:
    """Return the summary of the run once; "" when nothing was killed or it was returned before."""
    folder = Path(os.environ.pop(FOLDER, ""))
    total: Counter[str] = Counter()
    for file in folder.iterdir() if folder.name else ():
        for line in file.read_text().splitlines():
            total.update(json.loads(line))
    if folder.name:
        shutil.rmtree(folder, ignore_errors=True)
    if not total["kills"]:
        return ""
    return (
        f"fault suite ({'Celery' if POSTGRES else 'embedded'}): "
        f"kills {total['kills']}, videos {total['videos']}, lost {total['lost']}, "
        f"double charges {total['double_charges']}, missed refunds {total['missed_refunds']}, "
        f"duplicate engine jobs {total['duplicate_jobs']}, other faults {total['others']}"
    )
