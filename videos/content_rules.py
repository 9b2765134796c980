"""The rules of content in a few words each: what a content check says that a prompt breaks."""

import re
from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# By the category of the moderation model. Source: OpenAI, Moderation.
LABELS: dict[str, Promise] = {
    "sexual/minors": _("sexual content with minors"),
    "sexual": _("sexual content"),
    "harassment": _("harassment"),
    "hate": _("hate"),
    "self-harm": _("self-harm"),
    "violence": _("violence"),
    "illicit": _("help with something illegal"),
    "people": _("real people"),
    "copyright": _("characters or works of others"),
}
OTHER = _("something the rules do not allow")
# Words in an engine's message that name a rule; the first match wins.
MESSAGE_PATTERNS = tuple(
    (re.compile(words, re.IGNORECASE), category)
    for words, category in (
        (r"\b(minors?|child(ren)?|underage)\b", "sexual/minors"),
        (r"\b(sexual\w*|nudity|nude|nsfw|porn\w*|adult content)\b", "sexual"),
        (r"\b(self.?harm|suicide)\b", "self-harm"),
        (r"\b(violen\w+|gore|weapons?)\b", "violence"),
        (r"\bharass\w*\b", "harassment"),
        (r"\bhate\w*\b", "hate"),
        (r"\b(copyright\w*|trademark\w*|intellectual property|third.party)\b", "copyright"),
        (r"\b(real (people|person)|public figure|celebrit\w+|likeness)\b", "people"),
        (r"\b(illegal|illicit|drugs?)\b", "illicit"),
    )
)


def describe(categories: Iterable[str]) -> str:
    """Return the rules of these categories in the reader's language, each once."""
    return ", ".join(dict.fromkeys(map(_label, categories)))


def in_message(text: str) -> str:
    """Return the rule that an engine's message names; "" when it names none."""
    named = (category for words, category in MESSAGE_PATTERNS if words.search(text))
    return describe(list(named)[:1])


def _label(category: str) -> str:
    return str(LABELS.get(category) or LABELS.get(category.split("/", maxsplit=1)[0]) or OTHER)
