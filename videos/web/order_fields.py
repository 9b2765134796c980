"""Fields for what an order chooses, which the composer, presets and remixes share."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from config.lib.web.forms import MultilineField, WholeNumberField
from videos.catalog import offers
from videos.models import Preset, Video

MAX_TAKES = 4
PROMPT_ERRORS = {"required": _("Describe what the video should show.")}
SEED_ERROR = _("The seed must be a whole number from 0 to 2,147,483,647.")
# The word of the form for a video without sound.
SILENT = "off"


def takes_field() -> forms.TypedChoiceField:
    """Return the field for the number of takes, 1 to MAX_TAKES; 1 when it is not sent."""
    choices = [(n, n) for n in range(1, MAX_TAKES + 1)]
    # The type stubs allow only text as the empty value.
    one: Any = 1
    return forms.TypedChoiceField(choices=choices, coerce=int, required=False, empty_value=one)


def audio_field() -> forms.ChoiceField:
    """Return the field for sound; "" leaves it on."""
    return forms.ChoiceField(choices=[(SILENT, SILENT)], required=False)


def negative_prompt_field() -> forms.CharField:
    return MultilineField(max_length=offers.NEGATIVE_PROMPT_MAX, required=False)


def seed_field() -> WholeNumberField:
    """Return the field for a seed; None is a random one."""
    errors = dict.fromkeys(("invalid", "min_value", "max_value"), SEED_ERROR)
    return WholeNumberField(
        min_value=0, max_value=offers.MAX_SEED, required=False, error_messages=errors
    )


def options_again(kept: Video | Preset) -> dict[str, Any]:
    """Return the fields of the composer for what an order or a preset chose besides."""
    audio = SILENT if kept.audio is False else ""
    return {"audio": audio, "negative_prompt": kept.negative_prompt, "seed": kept.seed}


def prompt_field() -> forms.CharField:
    """Return the field for a prompt."""
    return MultilineField(max_length=offers.PROMPT_MAX, error_messages=PROMPT_ERRORS)
