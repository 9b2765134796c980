"""The mood of a clip: its time of day, weather and colours, read from the words of its prompts.

The first prompt sets the mood; each remix changes only what its words name, so that "make it snow"
leaves the light as it was.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from videos.sandbox.scenery.vocabulary import count, said

TIMES = {
    "night": (
        "night nighttime midnight moon moonlight moonlit starry nocturnal dark 夜 晚上 月 밤"
    ),
    "dusk": "dusk sunset evening twilight sundown last-light golden 黄昏 日落 傍晚 夕 노을 저녁",
    "dawn": "dawn sunrise morning daybreak first-light early 黎明 日出 清晨 朝 새벽 아침",
    "day": "day daytime daylight noon midday sunny sunlight bright summer 白天 中午 昼 낮",
}
WEATHERS = {
    "storm": "storm stormy thunder thunderstorm lightning tempest 雷 暴风 嵐 폭풍",
    "rain": "rain rainy raining rainfall drizzle downpour wet umbrella 雨 비가",
    "snow": "snow snows snowy snowing snowfall blizzard snowflakes 雪 눈이",
    "fog": "fog foggy mist misty haze hazy 雾 霧 안개",
    "clear": "clear cloudless sunny dry 晴 맑",
}
WARMER = "warm warmer warmth golden amber cosy cozy 暖 따뜻"
COLDER = "cold colder cool cooler blue bluer icy frozen 冷 寒 차갑"
GREY = "monochrome noir greyscale grayscale black-and-white 黑白 白黒 モノクロ 흑백"
# Weather that a text takes away: "no snow", "stop the rain".
TAKEN_AWAY = re.compile(
    r"\b(?:no|without|stop(?:s|ped)?|remove|less)\s+(?:the\s+|any\s+|more\s+)?"
    r"(?:snow|snowing|rain|raining|fog|mist|storm|haze)\b"
)
# What a text changes that names nothing the sandbox can draw: its colours, a little.
HUE_OF_OTHER_CHANGES = 0.24
WARMTH_STEP, MOST_WARMTH = 0.6, 1.2


@dataclass(frozen=True, slots=True)
class Mood:
    """What the light and the weather are; `warmth` is 0 for the scene's own colours.

    `hue` is the angle in radians by which the colours are turned.
    """

    time: str = "dawn"
    weather: str = "clear"
    warmth: float = 0.0
    hue: float = 0.0
    is_grey: bool = False


def read(prompts: Sequence[str], seed: int, usual_weather: str = "clear") -> Mood:
    """Return the mood of a prompt and the prompts of the remixes since, oldest first.

    A time of day that no word names comes from the seed, weather from the scene.
    """
    first, *changes = prompts
    usual = Mood(list(TIMES)[seed // 3 % len(TIMES)], usual_weather)
    mood = replace(_changed(usual, first), warmth=0.0)  # its "warm" is about a thing in it
    for text in changes:
        changed = _changed(mood, text)
        mood = changed if changed != mood else replace(mood, hue=mood.hue + HUE_OF_OTHER_CHANGES)
    return mood


def _changed(mood: Mood, text: str) -> Mood:
    """Return the mood with what the words of one text name."""
    spoken = text.lower()
    warmth = mood.warmth + WARMTH_STEP * (said(WARMER, spoken) - said(COLDER, spoken))
    return Mood(
        _most_named(TIMES, spoken) or mood.time,
        "clear" if TAKEN_AWAY.search(spoken) else _most_named(WEATHERS, spoken) or mood.weather,
        min(max(warmth, -MOST_WARMTH), MOST_WARMTH),
        mood.hue,
        mood.is_grey or said(GREY, spoken),
    )


def _most_named(words: dict[str, str], text: str) -> str:
    """Return the name most of whose words are in the text, the first of equals; "" for none."""
    found = {name: count(spoken, text) for name, spoken in words.items()}
    best = max(found, key=lambda name: found[name])
    return best if found[best] else ""
