"""Looks into a house from outside: its tables, its stand-in engine, and what it serves."""

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
from tests.faults.house import PATIENCE, House, until
from tests.faults.people import PRICE, WELCOME, Person
from videos.models import Video
from videos.sandbox.store import STORE

LEDGER_OF_JOBS = """
CREATE TABLE made (prompt TEXT NOT NULL);
CREATE TRIGGER made AFTER INSERT ON job BEGIN INSERT INTO made VALUES (new.prompt); END;
"""


@dataclass
class Losses:
    """Everything that must not happen, by video; all empty where the promise was kept."""

    lost: list[str] = field(default_factory=list)
    double_charges: list[str] = field(default_factory=list)
    missed_refunds: list[str] = field(default_factory=list)
    duplicate_jobs: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {name: len(found) for name, found in asdict(self).items()}


@contextmanager
def looking_into(house: House) -> Iterator[None]:
    """Have this thread's default connection go to the house's database."""
    kept = connections["default"]
    connections["default"] = _connection(house, kept)
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = kept


def _connection(house: House, like: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    target = copy.deepcopy(like.settings_dict)
    if url := house.environment.get("DATABASE_URL"):
        # No pool: those are kept by the connection's name.
        target.update({"OPTIONS": {}, **dj_database_url.parse(url)})
    else:
        target["NAME"] = house.folder / "firstlight.sqlite3"
    made: BaseDatabaseWrapper = load_backend(target["ENGINE"]).DatabaseWrapper(target, "default")
    return made


def note_every_job(house: House) -> None:
    """Have the stand-in engine remember each job it makes, also once it is deleted."""
    with override_settings(SANDBOX_DIR=house.folder / "sandbox"), STORE.writing() as connection:
        # Not executescript, which would commit first.
        for statement in LEDGER_OF_JOBS.strip().split("\n"):
            connection.execute(statement)


def jobs_made(house: House) -> Counter[str]:
    """How many jobs the engine ever made, by prompt."""
    with closing(sqlite3.connect(_store_of(house), timeout=30)) as connection:
        return Counter(prompt for (prompt,) in connection.execute("SELECT prompt FROM made"))


def jobs_of(house: House, person: Person) -> int:
    """How many jobs the engine ever made for a person."""
    prompts = person.user.videos.values_list("prompt", flat=True)
    made = jobs_made(house)
    return sum(made[prompt] for prompt in prompts)


def jobs_left(house: House, prompts: set[str]) -> set[str]:
    """The prompts of those jobs that have not been deleted at the engine."""
    with closing(sqlite3.connect(_store_of(house), timeout=30)) as connection:
        return {row[0] for row in connection.execute("SELECT prompt FROM job")} & prompts


def _store_of(house: House) -> Path:
    return house.folder / "sandbox" / "sandbox.sqlite3"


def settle(house: House, person: Person, *, seconds: float = PATIENCE) -> None:
    """Wait until every video of a person has ended."""
    active = Video.objects.filter(user=person.user, status__in=Video.ACTIVE)
    try:
        until(lambda: not active.exists(), "the end of every video", seconds)
    except AssertionError as error:
        stuck = list(
            active.values("status", "attempts", "submit_count", "poll_count", "next_step_at")
        )
        raise AssertionError(f"{stuck}\n{house.stacks()}") from error


def losses(house: House, person: Person) -> Losses:
    """Compare a person's rows, credits, files and jobs, once all their videos have ended."""
    videos = list(Video.objects.filter(user=person.user))
    found = Losses(others=invariants.problems())
    known = {str(video.pk) for video in videos if not video.is_active}
    found.lost = [pk for pk in person.accepted if pk not in known]
    _compare_credits(person, videos, found)
    made = jobs_made(house)
    for video in videos:
        if made[video.prompt] > 1:
            found.duplicate_jobs.append(f"{video}: {made[video.prompt]} jobs")
        if video.status == Video.Status.SUCCEEDED:
            found.others += _faults_of_file(house, person, video)
    return found


def _compare_credits(person: Person, videos: list[Video], found: Losses) -> None:
    entries = list(credits.history(person.user))
    spent = Counter(e.reference_id for e in entries if e.type == "spent")
    returned = Counter(e.reference_id for e in entries if e.type == "refunded")
    for video in videos:
        charged, back = spent.pop(str(video.pk), 0), returned.pop(str(video.pk), 0)
        if charged > 1:
            found.double_charges.append(f"{video}: charged {charged} times")
        elif charged < 1:
            found.others.append(f"{video}: never charged")
        if video.is_lost and back < 1:
            found.missed_refunds.append(f"{video}: not refunded")
        elif back != video.is_lost:
            found.others.append(f"{video}: refunded {back} times")
    found.double_charges += [f"{pk}: charged without a video" for pk in spent]
    kept = sum(video.status == Video.Status.SUCCEEDED for video in videos)
    if person.balance() != WELCOME - PRICE * kept:
        found.others.append(f"{kept} succeeded, the balance is {person.balance()}")


def _faults_of_file(house: House, person: Person, video: Video) -> list[str]:
    if video.deleted_at:
        return []
    engine = settings.ENGINES["sandbox"]
    answer = httpx2.get(
        f"{house.url}/sandbox/v1/videos/{video.engine_job_id}/content",
        headers={"Authorization": f"Bearer {engine['api_key']}"},
        timeout=30,
        trust_env=False,
    )
    made = hashlib.sha256(answer.content).hexdigest()
    if person.sha256(str(video.pk)) == video.file_sha256 == made:
        return []
    return [f"{video}: what is served is not what was made"]
