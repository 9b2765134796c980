"""Style sheets: written in many files, sent as one.

`static/css/app.css` only imports `static/css/app/*.css`. Browsers understand that, but ask for each
file in turn, so the finder puts the files together, without comments and indentation. It works
alike for the development server, which asks it for every request, and for `collectstatic`.
"""

import os
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.files.storage import FileSystemStorage

FOLDER = "css/"
IMPORT = re.compile(r'@import url\("(?P<file>[^"]+)"\)(?: layer\((?P<layer>\w+)\))?;')
ADDRESS = re.compile(r"url\((?P<path>\.\.?/[^)]+)\)")
COMMENT = re.compile(r'(?P<kept>"[^"\n]*")|/\*.*?\*/', re.DOTALL)
SPACE = re.compile(r'(?P<kept>"[^"\n]*")|\s*(?P<sign>[{};,])\s*|\s+')


def build(entry: Path) -> str:
    """The style sheet `entry` with the files it imports in the place of its @import lines."""

    def text_of(match: re.Match[str]) -> str:
        part = (entry.parent / match["file"]).read_text()
        folder = posixpath.dirname(match["file"])
        # Addresses in a file are relative to its folder.
        part = ADDRESS.sub(lambda m: f"url({_normalize_path(folder, m['path'])})", part)
        return f"@layer {match['layer']} {{{part}}}" if match["layer"] else part

    return minify(IMPORT.sub(text_of, entry.read_text()))


def _normalize_path(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))


def minify(text: str) -> str:
    """CSS without comments, indentation and spaces beside braces, commas and semicolons.

    Other spaces stay: in a selector they mean a descendant.
    """
    text = COMMENT.sub(lambda match: match["kept"] or "", text)
    text = SPACE.sub(lambda match: match["kept"] or match["sign"] or " ", text)
    return text.replace(";}", "}").strip()


def sources(entry: Path) -> list[Path]:
    """The file itself and the files it imports."""
    return [entry, *(entry.parent / match["file"] for match in IMPORT.finditer(entry.read_text()))]


class StylesheetFinder(FileSystemFinder):
    """Find the files of STATICFILES_DIRS, with the style sheets of `css/` as `build` makes them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._storage = FileSystemStorage(settings.DATA_DIR / "stylesheets")
        self._built: dict[Path, list[int]] = {}

    def find_location(self, root: str, path: str, prefix: str | None = None) -> str | None:
        found = super().find_location(root, path, prefix)
        return self._build(path, Path(found)) if found and is_entry(path) else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Any]]:
        for path, storage in super().list(ignore_patterns):
            if is_entry(path):
                self._build(path, Path(storage.path(path)))
                yield path, self._storage
            elif not path.startswith(FOLDER):
                yield path, storage

    def _build(self, path: str, entry: Path) -> str:
        """Write the built style sheet where it is not up to date; return its path."""
        target = Path(self._storage.path(path))
        changed = [source.stat().st_mtime_ns for source in sources(entry)]
        if self._built.get(entry) != changed or not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            # Another process may do the same at this moment: neither reads half a file.
            temporary = target.with_suffix(f".{os.getpid()}")
            temporary.write_text(build(entry))
            temporary.replace(target)
            self._built[entry] = changed
        return str(target)


def is_entry(path: str) -> bool:
    """Whether a style sheet stands in `css/` itself, not in a folder there."""
    return path.endswith(".css") and posixpath.dirname(path) == FOLDER.rstrip("/")
