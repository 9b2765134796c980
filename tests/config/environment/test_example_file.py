"""`.env.example`: a copy changes nothing, it shows the defaults, and it starts production."""

import os
from pathlib import Path

from dotenv import dotenv_values

from tests.config.environment import example_file
from tests.config.environment.test_documented_names import read_settings
from tests.config.production import PRODUCTION, start

EVERYTHING = "{name: value for name, value in vars().items() if name.isupper()}"
CHECK = ("manage.py", "check", "--fail-level", "WARNING")


def test_example_file_sets_nothing_when_it_is_copied() -> None:
    assert dotenv_values(example_file.EXAMPLE) == {}


def test_example_file_shows_the_defaults(tmp_path: Path) -> None:
    whole = example_file.copy_uncommented(tmp_path / ".env")
    assert len(dotenv_values(whole)) > 100
    unset, shown = (
        read_settings(tmp_path, [EVERYTHING], ENV_FILE=file, PYTHONHASHSEED="0")[EVERYTHING]
        for file in (os.devnull, str(whole))
    )
    unset.pop("READINGS")
    shown.pop("READINGS")
    assert shown == unset


def test_production_starts_without_warnings_when_the_example_file_is_filled_in(
    tmp_path: Path,
) -> None:
    mail = {"EMAIL_HOST": "mail.example.com", "TRUSTED_PROXIES": "1"}
    values = {**PRODUCTION, **mail, "DATA_DIR": str(tmp_path)}
    del values["ENV_FILE"]
    file = example_file.copy_with(tmp_path / ".env", **values)
    process = start(*CHECK, ENV_FILE=str(file))
    assert (process.stdout + process.stderr, process.returncode) == (
        "System check identified no issues (0 silenced).\n",
        0,
    )
    file.write_text(file.read_text().replace("EMAIL_HOST=mail.example.com", ""))
    process = start(*CHECK, ENV_FILE=str(file))
    assert "WARNINGS:\n?: (firstlight.doubtful) EMAIL_HOST is not set" in process.stderr
