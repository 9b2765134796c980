"""Checks of a deployment from outside: its tables, its sandbox engine and the files it serves."""

import copy
import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import dj_database_url
import httpx2
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend
from django.test import override_settings

from billing.ledger import credits, invariants
from tests.faults.processes import TIMEOUT_SECONDS, Deployment, wait_until
from tests.faults.users import PRICE, WELCOME, HttpUser
from videos.models import Video
from videos.sandbox.store import STORE

RECORD_JOBS = """
CREATE TABLE made (prompt TEXT NOT NULL);
CREATE TRIGGER made AFTER INSERT ON job BEGIN INSERT INTO made VALUES (new.prompt); END;
"""


@dataclass
class Violations:
    """Everything that must not happen, by video; every list is empty when nothing is wrong."""

    lost: list[str] = field(default_factory=list)
    double_charges: list[str] = field(default_factory=list)
    missed_refunds: list[str] = field(default_factory=list)
    duplicate_jobs: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {name: len(found) for name, found in asdict(self).items()}


@contextmanager
def use_database_of(deployment: Deployment) -> Iterator[None]:
    """Connect this thread's default connection to the deployment's database."""
    kept = connections["default"]
    connections["default"] = _connection(deployment, kept)
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = kept


def _connection(deployment: Deployment, like: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    target = copy.deepcopy(like.settings_dict)
    if url := deployment.environment.get("DATABASE_URL"):
        # Without a pool: pools are kept by the connection's name.
        target.update({"OPTIONS": {}, **dj_database_url.parse(url)})
    else:
        target["NAME"] = deployment.folder / "firstlight.sqlite3"
    made: BaseDatabaseWrapper = load_backend(target["ENGINE"]).DatabaseWrapper(target, "default")
    return made


def record_every_job(deployment: Deployment) -> None:
    """Have the sandbox engine record each job it creates, also after the job is deleted."""
    with override_settings(SANDBOX_DIR=deployment.folder / "sandbox"):
        create_table_of_jobs()


def create_table_of_jobs() -> None:
    """Have the sandbox engine of the present settings record each job it creates."""
    with STORE.writing() as connection:
        # Not executescript, which would commit first.
        for statement in RECORD_JOBS.strip().split("\n"):
            connection.execute(statement)


def count_jobs(deployment: Deployment) -> Counter[str]:
    """Return how many jobs the engine ever created, by prompt."""
    with closing(sqlite3.connect(_sandbox_database(deployment), timeout=30)) as connection:
        return Counter(prompt for (prompt,) in connection.execute("SELECT prompt FROM made"))


def count_jobs_of(deployment: Deployment, user: HttpUser) -> int:
    """Return how many jobs the engine ever created for a user."""
    prompts = user.account.videos.values_list("prompt", flat=True)
    made = count_jobs(deployment)
    return sum(made[prompt] for prompt in prompts)


def prompts_of_remaining_jobs(deployment: Deployment, prompts: set[str]) -> set[str]:
    """Return those prompts whose jobs have not been deleted at the engine."""
    with closing(sqlite3.connect(_sandbox_database(deployment), timeout=30)) as connection:
        return {row[0] for row in connection.execute("SELECT prompt FROM job")} & prompts


def _sandbox_database(deployment: Deployment) -> Path:
    return deployment.folder / "sandbox" / "sandbox.sqlite3"


def wait_until_ended(
    deployment: Deployment, user: HttpUser, *, seconds: float = TIMEOUT_SECONDS
) -> None:
    """Wait until every video of a user has ended; fail after `seconds`."""
    active = Video.objects.filter(user=user.account, status__in=Video.ACTIVE)
    try:
        wait_until(lambda: not active.exists(), "the end of every video", seconds)
    except AssertionError as error:
        stuck = list(
            active.values("status", "attempts", "submit_count", "poll_count", "next_step_at")
        )
        raise AssertionError(f"{stuck}\n{deployment.dump_stacks()}") from error


def find_violations_of(deployment: Deployment, user: HttpUser) -> Violations:
    """Compare a user's rows, credits, files and jobs; all their videos must have ended."""
    videos = list(Video.objects.filter(user=user.account))
    found = Violations(others=invariants.problems())
    known = {str(video.pk) for video in videos if not video.is_active}
    found.lost = [pk for pk in user.accepted if pk not in known]
    _check_credits(user, videos, found)
    made = count_jobs(deployment)
    for video in videos:
        if made[video.prompt] > 1:
            found.duplicate_jobs.append(f"{video}: {made[video.prompt]} jobs")
        if video.status == Video.Status.SUCCEEDED:
            found.others += _check_file(deployment, user, video)
    return found


def _check_credits(user: HttpUser, videos: list[Video], found: Violations) -> None:
    entries = list(credits.history(user.account))
    spent = Counter(e.reference_id for e in entries if e.type == "spent")
    returned = Counter(e.reference_id for e in entries if e.type == "refunded")
    for video in videos:
        charged, back = spent.pop(str(video.pk), 0), returned.pop(str(video.pk), 0)
        if charged > 1:
            found.double_charges.append(f"{video}: charged {charged} times")
        elif charged < 1:
            found.others.append(f"{video}: never charged")
        if video.is_refunded and back < 1:
            found.missed_refunds.append(f"{video}: not refunded")
        elif back != video.is_refunded:
            found.others.append(f"{video}: refunded {back} times")
    found.double_charges += [f"{pk}: charged without a video" for pk in spent]
    kept = sum(not video.is_refunded for video in videos)
    if user.balance() != WELCOME - PRICE * kept:
        found.others.append(f"{kept} are paid for, the balance is {user.balance()}")


def _check_file(deployment: Deployment, user: HttpUser, video: Video) -> list[str]:
    if video.deleted_at:
        return []
    engine = settings.ENGINES["sandbox"]
    answer = httpx2.get(
        f"{deployment.url}/sandbox/v1/videos/{video.engine_job_id}/content",
        headers={"Authorization": f"Bearer {engine['api_key']}"},
        timeout=30,
        trust_env=False,
    )
    made = hashlib.sha256(answer.content).hexdigest()
    if user.sha256(str(video.pk)) == video.file_sha256 == made:
        return []
    return [f"{video}: the served file is not the rendered one"]
