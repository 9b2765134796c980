"""Names in the environment that look like settings but that nothing reads."""

import os
import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values

from config.environment.env import BASE_DIR, READINGS

# How alike a name must be to one of ours; one letter of ten may differ.
ALIKE = 0.9
# Every setting stands in this file, also those that are read only together with others.
EXAMPLE = BASE_DIR / ".env.example"
A_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
OF_ENGINES = re.compile(r"ENGINE_[A-Z0-9_]+")


def find_unknown_names() -> Iterator[str]:
    """Yield a sentence for each name in `.env` without a reader, and for each misspelled variable.

    Variables that only other programs use are not reported. What does not look like a name is never
    repeated: it may be a secret that was pasted on a line of its own.
    """
    read = {name for reading in READINGS for name in reading.names}
    known = read | _named_in(EXAMPLE)
    lines = dotenv_values(os.environ.get("ENV_FILE") or BASE_DIR / ".env", interpolate=False)
    in_file = {
        name for name, value in lines.items() if value is not None and A_NAME.fullmatch(name)
    }
    if None in lines.values():
        yield ".env has a line that sets nothing. Write NAME=value, quoted if it has several lines."
    for name in sorted({*os.environ, *in_file}):
        if name in read or (name in known and not OF_ENGINES.fullmatch(name)):
            continue
        alike = get_close_matches(name, known, n=1, cutoff=ALIKE)
        if alike:
            yield f"Nothing reads {name}, which is set. Did you mean {alike[0]}?"
        elif OF_ENGINES.fullmatch(name) or name in in_file:
            yield f"Nothing reads {name}, which is set. No setting has this name."


def _named_in(file: Path) -> set[str]:
    """The words of a file that may be names of settings; none if it is missing."""
    return set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", file.read_text())) if file.exists() else set()
