"""Backups are encrypted with the operator's key: they come back with it, and say what is wrong."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from config.ops import backup_keys
from config.ops.backup_keys import BackupError, BackupKey
from tests import migrated
from tests.config.ops.test_backups import Installation

FILM = bytes(range(256)) * 1024


@pytest.fixture
def key() -> BackupKey:
    return backup_keys.generate()


# One process does it all, for each costs two seconds.
WALK = """
import os, django, json, shutil
from hashlib import sha256
from pathlib import Path
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from django.conf import settings
from django.db import connection
from config.ops import backup_keys, backups
folder, film = settings.DATA_DIR / "copies", bytes(range(256)) * 1024
media, key = settings.MEDIA_ROOT / "videos", backup_keys.generate()
said = {}

def refused(copy):
    try:
        backups.restore_backup(copy)
    except backup_keys.BackupError as error:
        return str(error)

media.mkdir(parents=True)
for name in ("same.mp4", "changed.mp4"):
    (media / name).write_bytes(film)
settings.BACKUP_KEY = str(key.recipient)
first = backups.create_backup(folder).rename(folder / "20200101T000000Z")
(media / "changed.mp4").write_bytes(film[1:])
second = backups.create_backup(folder)
said["links"] = {path.name: path.stat().st_nlink for path in (second / "media/videos").iterdir()}
stored = [path.read_bytes() for path in second.rglob("*.age")]
said["stored"] = len(stored), any(film[:1000] in body or b"SQLite" in body for body in stored)
said["public"] = backups.find_problems(second), backups.can_read(second), refused(second)
file = settings.DATA_DIR / "key"
file.write_text(f"# public key: {key.recipient}\\n{key.identity}\\n")
settings.BACKUP_KEY, settings.BACKUP_KEY_FILE = "", str(file)
connection.close()
Path(connection.settings_dict["NAME"]).rename(settings.DATA_DIR / "old")
settings.MEDIA_ROOT = settings.DATA_DIR / "restored"
count = backups.restore_backup(second)
said["restored"] = count, "videos_video" in connection.introspection.table_names()
found = settings.MEDIA_ROOT.rglob("*.mp4")
said["files"] = {path.name: sha256(path.read_bytes()).hexdigest() for path in found}
names = (path.name for path in settings.DATA_DIR.iterdir())
said["left"] = [name for name in names if name.startswith(("backup-", "restore"))]
about = json.loads((first / "manifest.json").read_text())
del about["files"]["media/videos/same.mp4.age"]
(first / "manifest.json").write_text(json.dumps(about))
(first / "media/videos/same.mp4.age").unlink()
said["altered"] = backups.find_problems(first)
file.write_text(str(backup_keys.generate().identity))
said["other key"] = refused(second)
file.write_text("")
said["no key"] = refused(second)
print(json.dumps(said))
"""


def test_encrypted_backup_is_made_with_the_public_key_and_restored_with_the_secret_one(
    tmp_path: Path,
) -> None:
    one = Installation(tmp_path / "one", "")
    migrated.copy_to(one.folder)
    ended = one.run("-c", WALK.replace("\\\\n", "\\n"))
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "links": {"same.mp4.age": 2, "changed.mp4.age": 1},
        "stored": [3, False],
        "public": [
            [],
            False,
            "the secret key of the backup is needed: BACKUP_KEY or BACKUP_KEY_FILE",
        ],
        "restored": [2, True],
        "files": {
            "same.mp4": sha256(FILM).hexdigest(),
            "changed.mp4": sha256(FILM[1:]).hexdigest(),
        },
        "left": ["restored"],
        "altered": ["manifest.json was altered: its seal does not fit"],
        "other key": "the backup is encrypted with another key",
        "no key": "there is no key in BACKUP_KEY_FILE",
    }


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("cut", "was altered or cut short"),
        ("cut at a piece", "was altered or cut short"),
        ("head", "was altered or cut short"),
        ("alter", "was altered or cut short"),
        ("wrong key", "is encrypted with another key"),
    ],
)
def test_damaged_file_is_not_decrypted(
    tmp_path: Path, key: BackupKey, damage: str, words: str
) -> None:
    plain, stored, back = (tmp_path / name for name in ("plain", "film.age", "back"))
    plain.write_bytes(FILM)
    with plain.open("rb") as file:
        key.encrypt(file, stored)
    body = stored.read_bytes()
    whole_piece = 64 * 1024 + 16
    changed = {
        "cut": body[:-1],
        "cut at a piece": body[: len(body) - (len(FILM) + 4 * 16) + 2 * whole_piece],
        "head": body[:50],
        "alter": body[:100_000] + bytes([body[100_000] ^ 1]) + body[100_001:],
        "wrong key": body,
    }
    key.decrypt(stored, back)
    assert back.read_bytes() == FILM
    stored.write_bytes(changed[damage])
    reader = backup_keys.generate() if damage == "wrong key" else key
    with pytest.raises(BackupError, match=words):
        reader.decrypt(stored, back)
    assert not back.exists()


def test_key_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(BackupError, match="BACKUP_KEY is no key of age") as refused:
        backup_keys.parse("AGE-SECRET-KEY-1WRONG")
    assert "WRONG" not in str(refused.value)
