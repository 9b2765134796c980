"""Selects the scene of a clip by the words of its first prompt, else by its seed."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from videos.sandbox.clip import Clip
from videos.sandbox.scenery import mood
from videos.sandbox.scenery.scene import Scene, SceneSpec
from videos.sandbox.scenery.scenes.aurora import Aurora
from videos.sandbox.scenery.scenes.city import City
from videos.sandbox.scenery.scenes.clouds import Clouds
from videos.sandbox.scenery.scenes.draft import Draft
from videos.sandbox.scenery.scenes.dunes import Dunes
from videos.sandbox.scenery.scenes.fields import Fields
from videos.sandbox.scenery.scenes.forest import Forest
from videos.sandbox.scenery.scenes.frames import FirstFrame, LastFrame
from videos.sandbox.scenery.scenes.ink import Ink
from videos.sandbox.scenery.scenes.lights import Lights
from videos.sandbox.scenery.scenes.mountains import Mountains
from videos.sandbox.scenery.scenes.references import References
from videos.sandbox.scenery.scenes.sea import Sea
from videos.sandbox.scenery.scenes.snow import Snow
from videos.sandbox.scenery.scenes.space import Space
from videos.sandbox.scenery.scenes.underwater import Underwater
from videos.sandbox.scenery.vocabulary import count, words_of

# Each scene with the words that name it (weight 3) and words that suit it (weight 1).
SCENES: dict[str, tuple[Callable[[SceneSpec], Scene], str, str]] = {
    "aurora": (
        Aurora,
        "aurora auroras borealis northern arctic iceland lapland 极光 オーロラ",
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
            "harbour harbor lighthouse island 海 大海 海浪 船"
        ),
        "water shore lake moon moonlight paper tide sunset",
    ),
    "underwater": (
        Underwater,
        (
            "underwater reef coral fish fishes shark jellyfish submarine diver diving scuba "
            "whale whales dolphin dolphins octopus turtle aquarium mermaid 海底 水下 鱼 魚"
        ),
        "ocean sea deep blue bubbles swims swimming",
    ),
    "forest": (
        Forest,
        (
            "forest forests woods wood tree trees jungle fireflies firefly redwood bamboo "
            "fox deer owl 森林 竹 森"
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
    "clouds": (
        Clouds,
        (
            "cloud clouds sky balloon balloons plane airplane aeroplane flying flies eagle kite "
            "dragon wings birds glider 云 雲 空中 气球"
        ),
        "bird air wind floating floats heaven blue fly high",
    ),
    "mountains": (
        Mountains,
        "mountain mountains ridge ridges valley peak peaks canyon alps cliff 山 群山",
        (
            "dawn sunrise sunset mist misty fog hills drone aerial landscape horizon "
            "clouds 日出 黎明"
        ),
    ),
    "lights": (
        Lights,
        (
            "person man woman girl boy child people face portrait dancer dance chef cook cafe "
            "café coffee kitchen party wedding candle candles lantern lanterns festival concert "
            "cat dog kitten puppy food cake ramen 人 灯 猫 犬 狗"
        ),
        "room warm table window music night smile hands book bar bokeh",
    ),
    "ink": (
        Ink,
        (
            "abstract ink paint painting smoke liquid marble pattern patterns fractal colours "
            "colors glass glassblower dream dreams fabric silk 抽象 墨 水墨"
        ),
        "flow flowing swirl swirling texture macro logo shape gradient",
    ),
}
# What suits a prompt that names no place.
ANYWHERE = ("lights", "ink", "clouds", "sea", "mountains")
# The weather of a scene whose words name none.
USUAL_WEATHER = {"snow": "snow"}
NEON = "neon cyberpunk synthwave 霓虹"


def build(clip: Clip, image_file: Callable[[str], Path]) -> Scene:
    """Build the scene of a clip; `image_file` finds the file of an image by its SHA-256."""
    spec = specify(clip)
    draw = Draft if clip.detail == "draft" else SCENES[choose(clip.text, spec.seed)][0]
    scene = draw(spec)
    if clip.references:
        scene = References(spec, scene, [image_file(name) for name in clip.references])
    if clip.first_image:
        scene = FirstFrame(spec, scene, image_file(clip.first_image))
    if clip.last_image:
        scene = LastFrame(spec, scene, image_file(clip.last_image))
    return scene


def specify(clip: Clip) -> SceneSpec:
    """Return the parameters of a clip's scene: those of its source but for the mood."""
    seed = int(hashlib.sha256(f"{clip.text}{clip.take or ''}".encode()).hexdigest()[:8], 16)
    scene = choose(clip.text, seed)
    rainy = "rain" if scene == "city" and count(NEON, clip.text.lower()) else "clear"
    usual = USUAL_WEATHER.get(scene, rainy)
    return SceneSpec(
        clip.width,
        clip.height,
        clip.seconds,
        seed,
        words_of(clip.text),
        mood.read((clip.text, *clip.changes), seed, usual),
    )


def choose(text: str, seed: int) -> str:
    """Return the scene that best matches a prompt, else one chosen by the seed."""
    spoken = text.lower()
    scores = {
        name: 3 * count(strong, spoken) + count(weak, spoken)
        for name, (_, strong, weak) in SCENES.items()
    }
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] else ANYWHERE[seed % len(ANYWHERE)]
