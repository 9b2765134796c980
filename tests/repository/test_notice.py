"""NOTICE names every third-party part whose licence requires it."""

import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
NOTICE = (ROOT / "NOTICE").read_text()
NAMES = set(re.findall(r"[\w./-]+", NOTICE))
COPYLEFT = re.compile(r"GPL|MPL|Mozilla|EUPL|CDDL|General Public", re.IGNORECASE)
# Drawn and made for Firstlight itself, so they are under LICENSE.
OWN = {
    *("mark.svg", "favicon.ico", "apple-touch-icon.png", "day.webp", "hero.webp", "hero.mp4"),
    *("app-192.png", "app-512.png", "app-maskable-512.png"),
}


@cache
def runtime() -> tuple[Distribution, ...]:
    """Return the distributions that requirements.txt installs on this platform."""
    found: dict[str, Distribution] = {}
    for name in re.findall(r"(?m)^([\w.-]+)==", (ROOT / "requirements.txt").read_text()):
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue  # for another platform, or another version of Python
    return tuple(found.values())


def licences(package: Distribution) -> str:
    """Return the licence fields of a package's metadata as one text."""
    metadata: Any = package.metadata
    classifiers = [c for c in metadata.get_all("Classifier") or [] if c.startswith("License")]
    # Some packages put a whole licence into "License"; its first line names it.
    first = (metadata.get("License") or "").strip().partition("\n")[0]
    return "\n".join([metadata.get("License-Expression") or "", first, *classifiers])


def bundled() -> Iterator[str]:
    """Return the shared libraries inside runtime packages, without the hash in their names."""
    for package in runtime():
        for file in package.files or []:
            if file.parts[0].endswith(".libs") and ".so" in file.name:
                yield re.sub(r"(-[0-9a-f]{8})+$", "", file.name.partition(".so")[0])


def test_notice_names_every_package_with_a_copyleft_licence() -> None:
    names = {each.metadata["Name"] for each in runtime() if COPYLEFT.search(licences(each))}
    assert {name.lower() for name in names} == {
        "bidict", "certifi", "fido2", "psycopg", "psycopg-binary", "psycopg-pool",
    }  # fmt: skip
    assert {name.lower() for name in names} <= NAMES


def test_notice_names_every_bundled_library() -> None:
    found = set(bundled())
    assert found - NAMES == set()
    assert {"libavcodec", "libpq"} <= found


def test_notice_names_every_third_party_font_and_image() -> None:
    files = [*(ROOT / "static" / "fonts").iterdir(), *(ROOT / "static" / "img").iterdir()]
    third_party = {str(path.relative_to(ROOT)) for path in files if path.name not in OWN}
    assert third_party - NAMES == set()
    assert len(third_party) == 3


@pytest.mark.parametrize(
    "words",
    [
        "Copyright 2024 The Geist Project Authors",
        "Copyright 2022 The Instrument Serif Project Authors",
        "SIL OPEN FONT LICENSE Version 1.1 - 26 February 2007",
        "Copyright (c) 2026 Lucide Icons and Contributors",
        "Permission to use, copy, modify, and/or distribute this software",
        "Copyright (c) 2013-present Cole Bemis",
    ],
)
def test_notice_contains_the_licence_texts(words: str) -> None:
    assert words in NOTICE


def test_ffmpeg_build_is_the_one_described_in_the_notice() -> None:
    from av._core import library_meta  # what `python -m av --version` prints

    build = library_meta["libavcodec"]
    options = set(build["configuration"].split())
    assert build["license"] == "LGPL version 3 or later"
    assert {"--enable-version3", "--enable-libx264", "--enable-libx265"} <= options
    assert {"--enable-gpl", "--enable-nonfree"} & options == set()
