"""docs/architecture.md names every package, and no file that is not there."""

import re
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
APPS = ("config", "accounts", "billing", "videos", "showcase")
PAGE = (ROOT / "docs/architecture.md").read_text()
# Packages which every reader of Django code knows, or whose parent is described as one thing.
UNDESCRIBED = re.compile(r"/migrations$|/management/commands$|/formats/|/sandbox/")
LONGEST_JOURNEY = 15


def packages() -> list[str]:
    """Every package below the apps, but not the apps themselves."""
    found = [
        str(path.parent.relative_to(ROOT)) for app in APPS for path in ROOT.glob(f"{app}/*/**/*.py")
    ]
    return sorted({name for name in found if not UNDESCRIBED.search(name)})


def journeys() -> dict[str, list[str]]:
    """The files of each journey, in the order of the page."""
    parts = re.findall(r"^## Journey: (.+?)\n(.+?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
    return {title: re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE) for title, text in parts}


def test_every_package_is_described() -> None:
    described = re.findall(r"^\| `([\w/]+)` \|", PAGE, re.MULTILINE)
    assert [name for name in packages() if name not in described] == []


def test_every_path_on_the_page_exists() -> None:
    named = re.findall(
        r"`((?:config|accounts|billing|videos|showcase|tests|templates|docs)/[^`]*)`", PAGE
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_each_journey_names_a_file_once() -> None:
    assert [title for title, files in journeys().items() if len(files) != len(set(files))] == []


def test_no_journey_passes_more_than_fifteen_files() -> None:
    assert len(journeys()) == 4
    assert [title for title, files in journeys().items() if len(files) > LONGEST_JOURNEY] == []
