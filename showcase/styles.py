"""The style of a clip: guessed from the words of its prompt, then decided by staff."""

import re

from django.db import models
from django.utils.translation import gettext_lazy as _


class Style(models.TextChoices):
    LIVE = "live", _("Live action")
    ANIMATION = "animation", _("Animation")
    VINTAGE = "vintage", _("Vintage film")
    MACRO = "macro", _("Macro and product")
    ABSTRACT = "abstract", _("Abstract")


WORDS = {
    Style.ANIMATION: (
        "anime animated animation cartoon claymation clay pixar stop-motion cel-shaded 3d "
        "illustration watercolour watercolor pixel 动画 動畫 アニメ 애니메이션"
    ),
    Style.VINTAGE: "35mm 16mm grain vintage retro vhs monochrome noir 1920s 1950s 1970s 复古 胶片",
    Style.MACRO: "macro close-up closeup product packshot 微距 特写",
    Style.ABSTRACT: "abstract ink fractal liquid pattern kaleidoscope 抽象 抽象的",
}


def guess(prompt: str) -> Style:
    """Return the first style of which the prompt has a word, else live action."""
    text = prompt.lower().replace("stop motion", "stop-motion").replace("35 mm", "35mm")
    found = set(re.findall(r"[\w-]+", text))
    for style, spoken in WORDS.items():
        if any(w in found or (not w.isascii() and w in text) for w in spoken.split()):
            return style
    return Style.LIVE
