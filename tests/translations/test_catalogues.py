"""The catalogues contain every message of the templates and the code in every language."""

import re
from collections import Counter
from itertools import zip_longest
from typing import TypeVar

import polib
import pytest

from config.ops import translations
from config.ops.translations import Message

LANGUAGES = translations.languages()
T = TypeVar("T")
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[a-z%]|\{\w*\}|</?\w+[^>]*>")


@pytest.fixture(scope="module")
def extracted() -> list[Message]:
    return list(translations.extracted())


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def catalogue(language: str) -> polib.POFile:
    return translations.read_catalogue(translations.catalogue(language))


def translations_of(entry: polib.POEntry) -> list[str]:
    """Return a message's translations: one, or one for each plural form of the language."""
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def placeholders(text: str) -> Counter[str]:
    return Counter(PLACEHOLDER.findall(text))


def edges(text: str) -> tuple[str, str]:
    """Return the white space at the beginning and the end of a text."""
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def differing_pairs(found: list[T], expected: list[T]) -> list[tuple[T | None, T | None]]:
    """Return the pairs that differ, by their places; the first ten are enough to read."""
    return [pair for pair in zip_longest(found, expected) if pair[0] != pair[1]][:10]


def test_there_are_four_languages_beside_english() -> None:
    assert LANGUAGES == ["zh-hans", "zh-hant", "ja", "ko"]
    assert len(translations.extracted()) > 1000


def test_message_is_looked_up_either_in_singular_or_plural(extracted: list[Message]) -> None:
    lookups = Counter((message.context, message.one) for message in extracted)
    assert [words for words, times in lookups.items() if times > 1] == []


def test_catalogue_contains_exactly_the_extracted_messages(
    catalogue: polib.POFile, extracted: list[Message]
) -> None:
    found = [translations.message_of(entry) for entry in catalogue]
    # Only what differs is shown: the difference of two whole catalogues has 6,000 lines.
    assert differing_pairs(found, extracted) == []
    assert [entry.msgid for entry in catalogue if entry.obsolete] == []


def test_every_message_is_translated(catalogue: polib.POFile) -> None:
    assert [entry.msgid for entry in catalogue if not all(translations_of(entry))] == []
    assert [entry.msgid for entry in catalogue if entry.fuzzy] == []


def test_every_plural_form_is_translated(catalogue: polib.POFile) -> None:
    assert catalogue.metadata["Plural-Forms"] == "nplurals=1; plural=0;"
    forms = {tuple(entry.msgstr_plural) for entry in catalogue if entry.msgid_plural}
    assert forms == {(0,)}


def test_placeholders_and_markup_equal_those_of_the_source(catalogue: polib.POFile) -> None:
    """With plural forms, the English plural has all placeholders."""
    differences = [
        (entry.msgid, text)
        for entry in catalogue
        for text in translations_of(entry)
        if text and placeholders(text) != placeholders(entry.msgid_plural or entry.msgid)
    ]
    assert differences == []


def test_spaces_and_line_breaks_equal_those_of_the_source(catalogue: polib.POFile) -> None:
    differences = [
        (entry.msgid, text)
        for entry in catalogue
        for text in translations_of(entry)
        if text and (edges(text), text.count("\n")) != (edges(entry.msgid), entry.msgid.count("\n"))
    ]
    assert differences == []


def test_catalogue_file_equals_the_output_of_the_command(language: str) -> None:
    written = translations.catalogue(language).read_text().splitlines(keepends=True)
    asked = f"{translations.update_catalogue(language)}\n".splitlines(keepends=True)
    assert differing_pairs(written, asked) == []


def test_compiled_catalogue_equals_the_source_catalogue(
    language: str, catalogue: polib.POFile
) -> None:
    assert translations.catalogue(language).with_suffix(".mo").read_bytes() == catalogue.to_binary()
