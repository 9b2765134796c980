"""Input templates of Runway's models, per mode; the tests hold them to the SDK's types."""

from typing import Any

TEXT: dict[str, Any] = {"promptText": "{prompt}", "duration": "{seconds}"}
SIZED = {**TEXT, "ratio": "{ratio}"}
FIRST = {"promptImage": "{first_image}"}
FIRST_LAST = {
    "promptImage": [
        {"uri": "{first_image}", "position": "first"},
        {"uri": "{last_image}", "position": "last"},
    ]
}
REFERENCES = {"references": "{references}"}
SEED, AUDIO = {"seed": "{seed}"}, {"audio": "{audio}"}

GEN = {**SIZED, **SEED}
VEO = {**SIZED, **SEED, **AUDIO, "negativePrompt": "{negative_prompt}"}
KLING_3 = {**SIZED, **AUDIO}
SEEDANCE = {**SIZED, **SEED, **AUDIO}
HAILUO = {**TEXT, "ratio": "{aspect}", "resolution": "{resolution}"}
H3_MAX = {**TEXT, **SEED, "resolution": "{resolution}"}
# The size follows the first frame.
FRAMED = {**TEXT, "ratio": "auto_{resolution}"}
WAN_FRAMED = {**FRAMED, **AUDIO}
GROK = {**TEXT, "resolution": "{resolution}"}

_veo = {"text": VEO, "image": {**VEO, **FIRST}, "first_last": {**VEO, **FIRST_LAST}}
_kling_3 = {
    "text": KLING_3,
    "image": {**KLING_3, **FIRST},
    "first_last": {**KLING_3, **FIRST_LAST},
}
_seedance = {
    "text": SEEDANCE,
    "image": {**SEEDANCE, **FIRST},
    "first_last": {**SEEDANCE, **FIRST_LAST},
    "reference": {**SEEDANCE, **REFERENCES},
}

INPUTS: dict[str, dict[str, dict[str, Any]]] = {
    "gen4.5": {"text": GEN, "image": {**GEN, **FIRST}},
    "gen4_turbo": {"image": {**GEN, **FIRST}},
    "veo3.1": _veo,
    "veo3.1_fast": _veo,
    "kling_4": {
        "text": SIZED,
        "image": {**FRAMED, **FIRST},
        "reference": {**SIZED, **REFERENCES},
    },
    "kling3.0_standard": _kling_3,
    "kling3.0_pro": _kling_3,
    "klingO3_pro": _kling_3,
    "seedance2": _seedance,
    "seedance2_mini": _seedance,
    "seedance2_5": _seedance,
    "hailuo3": {
        "text": HAILUO,
        "image": {**HAILUO, **FIRST},
        "reference": {**HAILUO, **REFERENCES},
    },
    "h3_max": {
        "text": H3_MAX,
        "image": {**H3_MAX, **FIRST},
        "first_last": {**H3_MAX, **FIRST_LAST},
    },
    "wan3": {
        "text": {**SIZED, **AUDIO},
        "image": {**WAN_FRAMED, **FIRST},
        "first_last": {**WAN_FRAMED, **FIRST_LAST},
        "reference": {**SIZED, **AUDIO, **REFERENCES},
    },
    "grok_imagine_1_5": {"text": {**GROK, "ratio": "{aspect}"}, "image": {**GROK, **FIRST}},
}
