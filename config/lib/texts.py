"""Texts that people write: one kind of line break, what counts as blank, how words are found."""

import unicodedata

# Letters and symbols that show nothing: fillers of Hangul and the empty Braille pattern.
INVISIBLE = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def use_plain_line_breaks(text: str) -> str:
    """Return a text with line feeds; forms of browsers send two characters for each line break."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing: spaces, zero-width characters and marks alone."""
    return not any(
        unicodedata.category(symbol)[0] in "LNPS" and symbol not in INVISIBLE for symbol in text
    )


def search_key(text: str) -> str:
    """Return the form in which texts are stored for a search, and in which words are searched.

    Case, composed and decomposed accents, and wide and narrow forms make no difference in it, on
    any database: "STRASSE" and "straße" are the same.
    """
    folded = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFKC", folded)
