"""Moderation backends: rules on the prompt, and the moderation model on prompt and image."""

import base64
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    import openai

TIMEOUT_SECONDS = 10

# Built-in rules; operators add more with MODERATION_RULES_FILE.
MINOR = r"(?:child|children|kid|minor|toddler|preteen|schoolgirl|schoolboy|loli|shota|underage)s?"
SEXUAL = r"(?:nude|naked|sex|sexual|erotic|porn|topless|undress\w*|hentai)"
BUILT_IN = (
    f"sexual/minors: \\b{MINOR}\\b.{{0,80}}\\b{SEXUAL}\\b",
    f"sexual/minors: \\b{SEXUAL}\\b.{{0,80}}\\b{MINOR}\\b",
    r"illicit/violent: \bhow to (?:build|make|assemble) (?:a |an )?(?:pipe )?bomb\b",
)


class NoVerdict(Exception):
    """Moderation could not be reached, or gave no verdict."""


def by_rules(prompt: str) -> list[str]:
    """The categories whose rules the prompt breaks, after Unicode normalisation."""
    plain = _plain(prompt)
    return sorted(
        {
            category
            for category, pattern in _rules(settings.MODERATION_RULES_FILE)
            if pattern.search(plain)
        }
    )


def by_model(prompt: str, image: bytes | None) -> list[str]:
    """The categories the moderation model flags; `image` is a JPEG. Raises NoVerdict."""
    import openai  # noqa: PLC0415 - half a second of CPU that most processes never need

    parts: list[dict[str, Any]] = [{"type": "text", "text": prompt}]
    if image is not None:
        address = "data:image/jpeg;base64," + base64.b64encode(image).decode()
        parts.append({"type": "image_url", "image_url": {"url": address}})
    try:
        client = _client(settings.MODERATION_BASE_URL, settings.MODERATION_API_KEY or "none")
        answer = client.moderations.create(
            model=settings.MODERATION_MODEL,
            input=parts,  # type: ignore[arg-type]
        )
        results = [result.model_dump(by_alias=True) for result in answer.results]
        flagged = [result for result in results if result["flagged"]]
        found = {name for result in flagged for name, hit in result["categories"].items() if hit}
    except (openai.OpenAIError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoVerdict(str(error)[:500]) from error
    if not results or not all(isinstance(result["flagged"], bool) for result in results):
        raise NoVerdict("an answer without a verdict")
    return sorted(found) or (["other"] if flagged else [])


def read_rules(lines: Iterable[str]) -> list[tuple[str, "re.Pattern[str]"]]:
    """Parse lines of `category: regular expression`. Raises ImproperlyConfigured."""
    rules = []
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        category, found, pattern = line.strip().partition(": ")
        try:
            rules.append((category, re.compile(pattern, re.IGNORECASE | re.DOTALL)))
        except re.error as error:
            raise ImproperlyConfigured(f"MODERATION_RULES_FILE: {line!r}: {error}") from error
        if not found:
            raise ImproperlyConfigured(f"MODERATION_RULES_FILE: no category in {line!r}")
    return rules


@cache
def _rules(file: str) -> list[tuple[str, "re.Pattern[str]"]]:
    own = Path(file).read_text().splitlines() if file else []
    return read_rules([*BUILT_IN, *own])


def _plain(text: str) -> str:
    """The text in compatibility form (NFKC), without invisible characters."""
    folded = unicodedata.normalize("NFKC", text)
    return "".join(char for char in folded if unicodedata.category(char) != "Cf")


@cache
def _client(base_url: str, api_key: str) -> "openai.OpenAI":
    import openai  # noqa: PLC0415 - half a second of CPU that most processes never need

    return openai.OpenAI(
        base_url=base_url,
        api_key=api_key,
        max_retries=1,
        timeout=openai.Timeout(TIMEOUT_SECONDS, connect=3),
    )
