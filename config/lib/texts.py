"""Texts that people write: one kind of line break, what counts as blank, how words are found."""

import re
import unicodedata

from django.utils.text import Truncator

# Letters and symbols that show nothing: fillers of Hangul and the empty Braille pattern.
INVISIBLE = frozenset("\u115f\u1160\u2800\u3164\uffa0")

# Control characters but tab and line breaks, and marks that embed, override or isolate a direction.
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
# Where a clause ends: a mark before a space or an end, a mark of Chinese or Japanese, a line break.
END_OF_CLAUSE = re.compile(r"[.,;:!?](?=\s|$)|[。，、；：！？]|\s[-–—]\s|\n")
# A clause of fewer bytes says too little; a Chinese character, which is half a word, has three.
SHORTEST_CLAUSE, LONGEST_CLAUSE = 12, 60


def first_clause(text: str) -> str:
    """Return the beginning of a text that can stand for it: one line of up to 60 characters."""
    text = text.strip()
    ends = (found.start() for found in END_OF_CLAUSE.finditer(text))
    end = next((n for n in ends if len(text[:n].encode()) >= SHORTEST_CLAUSE), len(text))
    clause = " ".join(text[:end].split())
    if len(clause) <= LONGEST_CLAUSE:
        return clause
    # Truncator looks at each character, for accents that are characters of their own.
    if clause.isascii():
        cut = clause[: LONGEST_CLAUSE - 1] + "…"
    else:
        cut = str(Truncator(clause).chars(LONGEST_CLAUSE, truncate="…"))
    words, space, _rest = cut.rpartition(" ")
    return f"{words}…" if space else cut


def use_plain_line_breaks(text: str) -> str:
    """Return a text with line feeds; forms of browsers send two characters for each line break."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def without_controls(text: str) -> str:
    """Return a text without characters that XML forbids or that turn the direction of others.

    Line feeds and tabs stay. Feeds cannot contain the first kind, and the second kind makes a name
    read as another one.
    """
    return CONTROLS.sub("", text)


def storable(text: str) -> str:
    """Return a text of a stranger's file as we can store it.

    Without control characters, with plain line breaks, and without halves of surrogate pairs,
    which JSON can contain and no encoding can.
    """
    return without_controls(use_plain_line_breaks(text)).encode(errors="ignore").decode()


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
