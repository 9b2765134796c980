"""Copies of `.env.example` in which the operator has set some of the names."""

import re
from pathlib import Path

from django.conf import settings

EXAMPLE = Path(settings.BASE_DIR) / ".env.example"


def copy_with(target: Path, **values: str) -> Path:
    """Copy the file, remove the # in front of these names and set their values."""
    text = EXAMPLE.read_text()
    for name, value in values.items():
        before, _, after = re.split(rf"(?m)^(# {name}=.*)$", text)
        text = f"{before}{name}={value}{after}"
    target.write_text(text)
    return target


def copy_uncommented(target: Path) -> Path:
    """Copy the file and remove the # in front of every name."""
    target.write_text(re.sub(r"(?m)^# ([A-Z][A-Z0-9_]*=)", r"\1", EXAMPLE.read_text()))
    return target
