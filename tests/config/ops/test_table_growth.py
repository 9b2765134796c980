"""docs/scaling.md says of every table what it grows with and what bounds it."""

import re
from fnmatch import fnmatch
from pathlib import Path

from django.apps import apps
from django.conf import settings


def test_page_names_every_table() -> None:
    page = Path(settings.BASE_DIR, "docs/scaling.md").read_text()
    rows = page.partition("## What grows")[2].splitlines()
    cells = [line.split("|")[1] for line in rows if line.startswith("| `")]
    patterns = [name for cell in cells for name in re.findall(r"`([a-z_*]+)`", cell)]
    tables = {m._meta.db_table for m in apps.get_models(include_auto_created=True)}
    named = {table for table in tables if any(fnmatch(table, one) for one in patterns)}
    assert tables - named == set()
    assert [one for one in patterns if not any(fnmatch(table, one) for table in tables)] == []
