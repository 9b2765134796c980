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
