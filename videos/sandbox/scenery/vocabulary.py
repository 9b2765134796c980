"""Words in prompts: lists of them are texts with spaces, as in "rain rainy 雨"."""

import re


def words_of(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def count(spoken: str, text: str) -> int:
    """Return how many of the spoken words a lower-case text contains.

    Words in scripts without spaces match anywhere; "last-light" matches "last light".
    """
    found = words_of(text)
    return sum(_contains(text, found, word) for word in spoken.split())


def said(spoken: str, text: str) -> bool:
    """Tell whether a lower-case text contains any of the spoken words."""
    return count(spoken, text) > 0


def _contains(text: str, found: frozenset[str], word: str) -> bool:
    if not word.isascii():
        return word in text
    return word in found or ("-" in word and word.replace("-", " ") in text.replace("-", " "))
