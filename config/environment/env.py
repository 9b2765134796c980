"""Settings from the environment and `.env`; READINGS lists them for `manage.py doctor`."""

import os
import re
import secrets
import tempfile
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, TypeVar

from django.core.exceptions import ImproperlyConfigured
from dotenv import load_dotenv

BASE_DIR = Path(__file__).resolve().parents[2]
load_dotenv(os.environ.get("ENV_FILE") or BASE_DIR / ".env")

T = TypeVar("T")


class Reading(NamedTuple):
    """Where the value of a setting came from: `source` is the variable, "" for the default."""

    names: tuple[str, ...]
    source: str
    secret: bool


READINGS: list[Reading] = []


def env(*names: str, default: T, parse: Callable[[str], T], secret: bool = False) -> T:
    """Read the first of `names` that is set and not empty.

    Raises ImproperlyConfigured, naming the variable, for a value that `parse` refuses.
    """
    source = next((name for name in names if os.environ.get(name)), "")
    READINGS.append(Reading(names, source, secret))
    if not source:
        return default
    try:
        return parse(os.environ[source].strip())
    except (ValueError, KeyError) as error:
        shown = "the value" if secret else repr(os.environ[source])
        raise ImproperlyConfigured(f"{source}: {shown} is not usable: {error}") from error


def text(*names: str, default: str = "", secret: bool = False) -> str:
    return env(*names, default=default, parse=str, secret=secret)


def location(*names: str) -> str:
    """Read a path on a server that begins and ends with a slash; "" when it is not set."""

    def parse(value: str) -> str:
        if not re.fullmatch(r"/([\w.-]+/)+", value, re.ASCII):
            raise ValueError("expected a path between slashes, such as /stored-files/")
        return value

    return env(*names, default="", parse=parse)


def flag(*names: str, default: bool) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True}
    words |= {"0": False, "false": False, "no": False, "off": False}
    return env(*names, default=default, parse=lambda value: words[value.lower()])


def number(*names: str, default: int, minimum: int = 0, maximum: int | None = None) -> int:
    """Read a whole number from `minimum` to `maximum`."""

    def parse(value: str) -> int:
        if not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
            raise ValueError("expected a whole number")
        found = int(value)
        if found < minimum or (maximum is not None and found > maximum):
            most = "" if maximum is None else f" and at most {maximum}"
            raise ValueError(f"expected at least {minimum}{most}")
        return found

    return env(*names, default=default, parse=parse)


def amount(*names: str, default: Decimal) -> Decimal:
    """Read an amount of money that is not negative."""

    def parse(value: str) -> Decimal:
        if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII):
            raise ValueError("expected an amount such as 0.1")
        return Decimal(value)

    return env(*names, default=default, parse=parse)


def text_list(*names: str, default: list[str]) -> list[str]:
    return env(*names, default=default, parse=lambda value: re.split(r"[,\s]+", value))


def duration(*names: str, default: timedelta) -> timedelta:
    """Read a duration such as `7d`, `24h`, `90m` or `30s`."""
    units = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}

    def parse(value: str) -> timedelta:
        match = re.fullmatch(r"(\d+)([dhms])", value)
        if not match:
            raise ValueError("expected a number and d, h, m or s, such as 7d")
        return timedelta(**{units[match[2]]: int(match[1])})

    return env(*names, default=default, parse=parse)


def rate(*names: str, default: str) -> tuple[int, int]:
    """Read a rate as (limit, seconds), such as `5/min` or `100/15min`; `off` is (0, 0)."""
    units = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "day": 86400}

    def parse(value: str) -> tuple[int, int]:
        if value.lower() == "off":
            return 0, 0
        match = re.fullmatch(r"([1-9]\d*)/(\d*)([a-z]+)", value.lower())
        if not match or match[3] not in units:
            raise ValueError("expected a number per time, such as 5/min, 100/15min or off")
        return int(match[1]), int(match[2] or 1) * units[match[3]]

    return env(*names, default=parse(default), parse=parse)


def generated_secret(folder: Path, name: str) -> str:
    """Return the secret in a file of `folder` (mode 0600); the first start generates it."""
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f"{name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)  # of several processes that start, the first one wins
        except FileExistsError:
            pass
        draft.unlink()
    return path.read_text()


def local_host(bind: str) -> str:
    """Return the host of the URL at which this machine reaches a server that listens at `bind`."""
    of_all = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
    address = of_all.get(bind, bind)
    return f"[{address}]" if ":" in address else address


def writable_folder(name: str, path: Path) -> Path:
    """Return the folder of a setting, which is created if it is missing.

    Raises ImproperlyConfigured for one in which no file can be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        why = error.strerror or str(error)
        raise ImproperlyConfigured(
            f"{name}: no file can be created in {path}: {why}. Choose another folder."
        ) from error
