"""A language that is none: every translated text stands in marks, and what has none was missed."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.utils import translation
from django.utils.translation import trans_real

OPEN, CLOSE = "\u27e6", "\u27e7"
MARKED = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
# What has no words of its own, or those of a machine; a `lang` says that the words are meant so.
SILENT = {"script", "style", "code", "pre", "kbd", "textarea"}
SPOKEN = {"aria-label", "aria-description", "title", "alt", "placeholder", "label"}
VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
}  # fmt: skip
SENTENCE = re.compile(r"[A-Z][a-z]+|.*[^\W\d_]{2,}[.,:;!?]? [^\W\d_]{2,}.*", re.DOTALL)
# Names, units and formats that are the same in every language; "zzz" is what the tests' people say.
LITERALS = (
    *("Firstlight", "Sora 2 Pro", "Sora 2", "sora-2-pro", "sora-2", "Google", "Stripe", "Ctrl"),
    *("API", "CSV", "MP4", "JPEG", "PNG", "WebP", "HTTP", "ZIP", "JSON", "UTC", "CNY"),
    *("English", "简体中文", "繁體中文", "日本語", "한국어"),
    *("webhook-id:", "example.com", "https://"),
)
NAMES = re.compile(
    "|".join(map(re.escape, LITERALS))
    + r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    + r"|\b(?:[zZ]+|\d+[a-z]|msg_[0-9a-f]+|frame-at-[\d.]+-s\.jpg)\b"
)


def spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on every text that is looked up in a catalogue comes back in marks."""

    def one(text: str) -> str:
        return f"{OPEN}{trans_real.gettext(text)}{CLOSE}" if text else ""

    def many(singular: str, plural: str, number: int) -> str:
        return f"{OPEN}{trans_real.ngettext(singular, plural, number)}{CLOSE}"

    def within(context: str, text: str) -> str:
        return f"{OPEN}{trans_real.pgettext(context, text)}{CLOSE}"

    def many_within(context: str, singular: str, plural: str, number: int) -> str:
        return f"{OPEN}{trans_real.npgettext(context, singular, plural, number)}{CLOSE}"

    trans = vars(translation)["_trans"]
    ways = {"gettext": one, "ngettext": many, "pgettext": within, "npgettext": many_within}
    for name, way in ways.items():
        monkeypatch.setattr(trans, name, way, raising=False)


def left(text: str) -> str:
    """The text without what is in marks, and without names; marks may stand within marks."""
    text = text.replace(r"\u27e6", OPEN).replace(r"\u27E6", OPEN)
    text = text.replace(r"\u27e7", CLOSE).replace(r"\u27E7", CLOSE)
    while (less := MARKED.sub("", text)) != text:
        text = less
    return text


def missed(text: str) -> list[str]:
    """What is left of it that has letters."""
    rest = NAMES.sub("", left(text))
    return [" ".join(text.split())] if re.search(r"[^\W\d_]", rest) else []


class Page(HTMLParser):
    """Collects what a person sees or hears that is in no marks."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[tuple[str, bool]] = []
        self.feed(left(html))
        self.close()

    @property
    def silent(self) -> bool:
        return any(silent for _tag, silent in self.open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            meant = "lang" in named and tag != "html"
            self.open.append((tag, tag in SILENT or meant))
        if not self.silent:
            for name, value in self.heard(tag, named):
                self.found += [f"{name}={text}" for text in missed(value)]

    def heard(self, tag: str, named: dict[str, str]) -> Iterator[tuple[str, str]]:
        for name, value in named.items():
            button = tag == "input" and named.get("type") in {"submit", "button", "reset"}
            described = tag == "meta" and named.get("name") == "description"
            data = name.startswith("data-") and SENTENCE.fullmatch(value)
            if (
                name in SPOKEN
                or data
                or (button and name == "value")
                or (described and name == "content")
            ):
                yield name, value

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found += missed(data)


def missed_in(html: str) -> list[str]:
    return Page(html).found
