"""The message catalogues under `locale/`, extracted from the templates and the code.

Uses Babel and polib, which only developers install; no server imports this module.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import polib
from babel.messages.extract import extract
from django.conf import settings
from django.utils.translation import template, to_locale

ROOT = Path(settings.BASE_DIR)
APPS = ("accounts", "billing", "config", "showcase", "videos")
# Which argument holds what, counted from one; "c" is the context.
ONE, MANY, IN, MANY_IN = (1,), (1, 2), ((1, "c"), 2), ((1, "c"), 2, 3)
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), ONE),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), MANY),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), IN),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), MANY_IN),
}
# Comments for translators begin with one of these.
COMMENT_TAGS = ("Translators",)
HEADER = {
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    # None of the four languages has a plural form.
    "Plural-Forms": "nplurals=1; plural=0;",
}
PLURALS = 1


class Message(NamedTuple):
    """A message as gettext looks it up: context, singular, plural."""

    context: str | None
    one: str
    many: str


class Use(NamedTuple):
    """A file that uses a message, and its comment for translators."""

    file: str
    note: str


def languages() -> list[str]:
    """Django's codes of the languages that need a catalogue."""
    return [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def catalogue(language: str) -> Path:
    return ROOT / "locale" / to_locale(language) / "LC_MESSAGES" / "django.po"


def sources() -> list[Path]:
    """Return every file that may hold messages."""
    code = (path for app in APPS for path in (ROOT / app).rglob("*.py"))
    templates = (path for end in ("html", "txt") for path in (ROOT / "templates").rglob(f"*.{end}"))
    data = [ROOT / "videos/catalog/presets.json"]
    return sorted([*(path for path in code if "migrations" not in path.parts), *templates, *data])


def as_python(path: Path) -> bytes:
    """Return a file as Python; templatize keeps only the messages of a template."""
    text = path.read_text()
    if path.suffix == ".json":
        notes = [model["note"] for model in json.loads(text)["models"] if model.get("note")]
        text = "\n".join(f"gettext({note!r})" for note in notes)
    elif path.suffix != ".py":
        lines = template.templatize(text, origin=str(path)).splitlines()
        text = "\n".join(line.lstrip() for line in lines)
    return text.encode()


def messages_in(path: Path) -> Iterator[tuple[Message, Use]]:
    name = str(path.relative_to(ROOT))
    found = extract(
        "python", BytesIO(as_python(path)), KEYWORDS, COMMENT_TAGS, strip_comment_tags=True
    )
    for _line, said, notes, context in found:
        one, many = (said, "") if isinstance(said, str) else said
        yield Message(context, one, many), Use(name, re.sub(r"^:? *", "", " ".join(notes)))


@cache
def extracted() -> dict[Message, list[Use]]:
    """Return every message with its uses, ordered by its first file, then by its text."""
    found: dict[Message, list[Use]] = defaultdict(list)
    for path in sources():
        for message, use in messages_in(path):
            found[message].append(use)
    order = sorted(found, key=lambda m: (found[m][0].file, m.one, m.context or "", m.many))
    return {message: found[message] for message in order}


def make_entry(message: Message, uses: list[Use], known: polib.POEntry | None) -> polib.POEntry:
    """Make the entry of a message, without line numbers, which change too often."""
    fresh = polib.POEntry(
        msgctxt=message.context,
        msgid=message.one,
        msgid_plural=message.many,
        comment="\n".join(dict.fromkeys(use.note for use in uses if use.note)),
        occurrences=[(file, "") for file in dict.fromkeys(use.file for use in uses)],
        flags=["python-format"] if re.search(r"%[(sd]", message.one + message.many) else [],
    )
    if message.many:
        fresh.msgstr_plural = (known and known.msgstr_plural) or dict.fromkeys(range(PLURALS), "")
    elif known:
        fresh.msgstr = known.msgstr
    return fresh


def update_catalogue(language: str) -> polib.POFile:
    """Return the catalogue with each message of today; translations are kept."""
    path = catalogue(language)
    known = (
        {message_of(old): old for old in read_catalogue(path) if not old.obsolete}
        if path.exists()
        else {}
    )
    fresh = polib.POFile(wrapwidth=100)
    fresh.metadata = {"Language": to_locale(language), **HEADER}
    for message, uses in extracted().items():
        fresh.append(make_entry(message, uses, known.get(message)))
    return fresh


def read_catalogue(path: Path) -> polib.POFile:
    return polib.pofile(str(path), wrapwidth=100)


def message_of(entry: polib.POEntry) -> Message:
    return Message(entry.msgctxt, entry.msgid, entry.msgid_plural)


def write_catalogue(language: str) -> polib.POFile:
    """Write the .po and the .mo of a language."""
    path, fresh = catalogue(language), update_catalogue(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{fresh}\n")
    path.with_suffix(".mo").write_bytes(fresh.to_binary())
    return fresh
