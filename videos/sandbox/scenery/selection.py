"""Selects the scene of a clip by the words of its prompt, else by its seed."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from videos.sandbox.clip import Clip
from videos.sandbox.scenery.scene import Scene, SceneSpec
from videos.sandbox.scenery.scenes.aurora import Aurora
from videos.sandbox.scenery.scenes.city import City
from videos.sandbox.scenery.scenes.draft import Draft
from videos.sandbox.scenery.scenes.dunes import Dunes
from videos.sandbox.scenery.scenes.fields import Fields
from videos.sandbox.scenery.scenes.forest import Forest
from videos.sandbox.scenery.scenes.frames import FirstFrame, LastFrame
from videos.sandbox.scenery.scenes.mountains import Mountains
from videos.sandbox.scenery.scenes.references import References
from videos.sandbox.scenery.scenes.sea import Sea
from videos.sandbox.scenery.scenes.snow import Snow
from videos.sandbox.scenery.scenes.space import Space

# Each scene with the words that name it (weight 3) and words that suit it (weight 1).
SCENES: dict[str, tuple[Callable[[SceneSpec], Scene], str, str]] = {
    "aurora": (
        Aurora,
        "aurora auroras borealis northern arctic iceland lapland 极光",
        "night stars starry midnight lights camp tent lake frozen 星空",
    ),
    "city": (
        City,
        (
            "city skyline street streets neon cyberpunk tokyo downtown skyscraper "
            "skyscrapers traffic robot urban manhattan alley subway 城市 霓虹 街"
        ),
        ("rain rainy night car cars train buildings futuristic market bridge crowd lights 雨"),
    ),
    "sea": (
        Sea,
        (
            "sea ocean wave waves boat boats ship sail sailing sailboat beach coast surf "
            "harbour harbor lighthouse whale dolphin island 海 大海 海浪 船"
        ),
        "water shore lake moon moonlight paper tide sunset fish",
    ),
    "forest": (
        Forest,
        (
            "forest forests woods wood tree trees jungle fireflies firefly redwood bamboo "
            "fox deer owl 森林 竹"
        ),
        "green leaves moss path bird birds fairy elf rays magic garden wolf bear",
    ),
    "fields": (
        Fields,
        (
            "field fields lavender tulip tulips wheat meadow flowers flower rice paddy "
            "poppies sunflower sunflowers farm vineyard 薰衣草 花 田"
        ),
        ("spring grass petals bee butterfly horse tea picnic summer harvest garden rose"),
    ),
    "space": (
        Space,
        (
            "space planet planets saturn jupiter galaxy nebula astronaut spaceship "
            "spacecraft cosmos asteroid orbit 太空 星球 宇宙"
        ),
        "earth stars alien universe satellite comet rocket science",
    ),
    "snow": (
        Snow,
        "snow snowy snowfall winter blizzard cabin ski christmas snowman 雪 冬",
        "ice frozen cold pine pines penguin fireplace warm cozy village",
    ),
    "dunes": (
        Dunes,
        "desert dune dunes sahara sand mars camel camels caravan oasis 沙漠",
        "pyramid heat rover dry cactus wind red",
    ),
    "mountains": (
        Mountains,
        "mountain mountains ridge ridges valley peak peaks canyon alps cliff 山 群山",
        (
            "dawn sunrise sunset mist misty fog hills drone aerial landscape horizon "
            "clouds 日出 黎明"
        ),
    ),
}


def build(clip: Clip, image_file: Callable[[str], Path]) -> Scene:
    """Build the scene of a clip; `image_file` finds the file of an image by its SHA-256."""
    seed = int(hashlib.sha256(clip.origin.encode()).hexdigest()[:8], 16)
    spec = SceneSpec(clip.width, clip.height, clip.seconds, seed, words(clip.text))
    scene: Scene
    if clip.detail == "draft":
        scene = Draft(spec)
    else:
        scene = SCENES[choose(clip.text, clip.origin, seed)][0](spec)
    if clip.references:
        scene = References(spec, scene, [image_file(name) for name in clip.references])
    if clip.first_image:
        scene = FirstFrame(spec, scene, image_file(clip.first_image))
    if clip.last_image:
        scene = LastFrame(spec, scene, image_file(clip.last_image))
    return scene


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def choose(text: str, origin: str, seed: int) -> str:
    """Return the scene that best matches `text`, else `origin`, else one chosen by the seed."""
    for each in (text, origin):
        scores = {name: _score(each, strong, weak) for name, (_, strong, weak) in SCENES.items()}
        best = max(scores, key=lambda name: scores[name])
        if scores[best]:
            return best
    return list(SCENES)[seed % len(SCENES)]


def _score(text: str, strong: str, weak: str) -> int:
    """Return the weighted number of matches; words in scripts without spaces match anywhere."""
    found = words(text)
    return sum(
        weight
        for weight, spoken in ((3, strong), (1, weak))
        for word in spoken.split()
        if word in found or (not word.isascii() and word in text)
    )
