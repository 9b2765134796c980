"""A pseudo language: translated texts are put in marks, so that untranslated texts stand out."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.utils import translation
from django.utils.translation import trans_real

OPEN, CLOSE = "\u27e6", "\u27e7"
MARKED = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
# Elements without translatable words; an element with a `lang` attribute is skipped too.
SKIPPED_TAGS = {"script", "style", "code", "pre", "kbd", "textarea"}
READABLE_ATTRIBUTES = {"aria-label", "aria-description", "title", "alt", "placeholder", "label"}
VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
}  # fmt: skip
SENTENCE = re.compile(r"[A-Z][a-z]+|.*[^\W\d_]{2,}[.,:;!?]? [^\W\d_]{2,}.*", re.DOTALL)
# Names, units and formats that are the same in every language; "zzz" is what users enter in tests.
LITERALS = (
    *("Firstlight", "Sora 2 Pro", "Sora 2", "sora-2-pro", "sora-2", "Google", "Stripe", "Ctrl"),
    *("API", "CSV", "MP4", "JPEG", "PNG", "WebP", "HTTP", "ZIP", "JSON", "UTC", "CNY"),
    *("Claude Code", "Claude Desktop", "Cursor", "VS Code", "OpenAI Agents SDK"),
    *("curl", "Python", "JavaScript", "MCP", "Claude"),
    *("English", "简体中文", "繁體中文", "日本語", "한국어"),
    *("webhook-id:", "X-Request-ID", "example.com", "https://"),
    *("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "2xx", "3xx", "4xx", "5xx"),
)
NAMES = re.compile(
    "|".join(map(re.escape, LITERALS))
    + r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    + r"|\b(?:[zZ]+|\d+[a-z]|msg_[0-9a-f]+|frame-at-[\d.]+-s\.jpg)\b"
)


def mark_translations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every catalogue lookup return its text in marks."""

    def gettext(text: str) -> str:
        return f"{OPEN}{trans_real.gettext(text)}{CLOSE}" if text else ""

    def ngettext(singular: str, plural: str, number: int) -> str:
        return f"{OPEN}{trans_real.ngettext(singular, plural, number)}{CLOSE}"

    def pgettext(context: str, text: str) -> str:
        return f"{OPEN}{trans_real.pgettext(context, text)}{CLOSE}"

    def npgettext(context: str, singular: str, plural: str, number: int) -> str:
        return f"{OPEN}{trans_real.npgettext(context, singular, plural, number)}{CLOSE}"

    trans = vars(translation)["_trans"]
    functions = {
        "gettext": gettext,
        "ngettext": ngettext,
        "pgettext": pgettext,
        "npgettext": npgettext,
    }
    for name, function in functions.items():
        monkeypatch.setattr(trans, name, function, raising=False)


def without_marks(text: str) -> str:
    """Return the text without its marked parts; marks may be nested."""
    text = text.replace(r"\u27e6", OPEN).replace(r"\u27E6", OPEN)
    text = text.replace(r"\u27e7", CLOSE).replace(r"\u27E7", CLOSE)
    while (shorter := MARKED.sub("", text)) != text:
        text = shorter
    return text


def unmarked(text: str) -> list[str]:
    """Return the unmarked rest of the text if it contains letters."""
    text_left = NAMES.sub("", without_marks(text))
    return [" ".join(text.split())] if re.search(r"[^\W\d_]", text_left) else []


class UnmarkedTexts(HTMLParser):
    """Collects the unmarked texts of a page, including those that a screen reader reads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[tuple[str, bool]] = []
        self.feed(without_marks(html))
        self.close()

    @property
    def is_skipped(self) -> bool:
        return any(is_skipped for _tag, is_skipped in self.open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            has_language = "lang" in named and tag != "html"
            self.open.append((tag, tag in SKIPPED_TAGS or has_language))
        if not self.is_skipped:
            for name, value in self.readable_attributes(tag, named):
                self.found += [f"{name}={text}" for text in unmarked(value)]

    def readable_attributes(self, tag: str, named: dict[str, str]) -> Iterator[tuple[str, str]]:
        for name, value in named.items():
            button = tag == "input" and named.get("type") in {"submit", "button", "reset"}
            described = tag == "meta" and named.get("name") == "description"
            data = name.startswith("data-") and SENTENCE.fullmatch(value)
            if (
                name in READABLE_ATTRIBUTES
                or data
                or (button and name == "value")
                or (described and name == "content")
            ):
                yield name, value

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self.is_skipped:
            self.found += unmarked(data)


def unmarked_in_html(html: str) -> list[str]:
    return UnmarkedTexts(html).found
