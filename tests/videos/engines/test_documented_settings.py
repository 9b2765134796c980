"""docs/engines.md: its settings make a video, its catalog file loads, and its tables are whole."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as configured

from accounts.models import User
from config.environment import engines as engine_settings
from config.environment import env, named_engines
from tests.engine_servers import vllm_omni
from tests.engine_servers.local_engines import START
from tests.videos.conftest import order
from tests.videos.engines.conftest import Run
from videos import failures
from videos.catalog import offers, prices, reading
from videos.engines import errors, templates

ROOT = Path(configured.BASE_DIR)
TEXT = (ROOT / "docs" / "engines.md").read_text()
FOUND = re.findall(r"(?ms)^### ([^\n]+)\n+```ini\n(.*?)```", TEXT)
BLOCKS = {
    name: dict(line.split("=", 1) for line in lines.strip().splitlines()) for name, lines in FOUND
}
HOSTED = {name: name.lower() for name in ("fal", "Gemini", "Runway", "Replicate", "ComfyUI")}
# The variable with the address, and the engine's name.
SERVERS = {
    "vLLM-Omni": ("OPENAI_BASE_URL", "openai"),
    "SGLang": ("ENGINE_SGLANG_URL", "sglang"),
    "A gateway": ("OPENAI_BASE_URL", "openai"),
}


@pytest.fixture(autouse=True)
def _kept_readings() -> Iterator[None]:
    readings = len(env.READINGS)
    yield
    del env.READINGS[readings:]


def configure(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    """Configure the engines and aliases of an environment as config.settings does."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.ENGINES = engine_settings.configured(
        "http://ours", "key", "secret", sandbox=False, sandbox_kie=False
    )
    settings.MODEL_ALIASES = engine_settings.pairs(environment.get("MODEL_ALIASES", ""))


def test_every_block_of_settings_is_tried() -> None:
    assert BLOCKS.keys() == HOSTED.keys() | SERVERS.keys()


@pytest.mark.parametrize("name", HOSTED)
def test_settings_of_a_documented_engine_make_a_video(
    name: str,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
    transactional_db: None,
    alice: User,
    run: Run,
    mp4: bytes,
) -> None:
    with START[HOSTED[name]]() as engine:
        engine.server.clip = mp4
        configure(settings, monkeypatch, {**BLOCKS[name], **engine.environment})
        assert list(settings.ENGINES) == [engine.kind]
        words = {model: word for word, model in settings.MODEL_ALIASES.items()}
        video = run(order(alice, model=words[engine.model], seconds=engine.seconds))
    assert (video.status, video.model, video.engine) == ("succeeded", engine.model, engine.kind)


@pytest.mark.parametrize("name", SERVERS)
def test_settings_of_a_documented_server_make_a_video(
    name: str,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
    transactional_db: None,
    alice: User,
    run: Run,
    mp4: bytes,
) -> None:
    variable, engine = SERVERS[name]
    models = next(value for key, value in BLOCKS[name].items() if key.endswith("_MODELS"))
    ours, theirs = models.split("=")
    with vllm_omni.running(theirs) as server:
        server.clip = mp4
        configure(settings, monkeypatch, {**BLOCKS[name], variable: f"{server.url}/v1"})
        assert list(settings.ENGINES) == [engine]
        assert [model.id for model in offers.offered()] == [ours]
        video = run(order(alice, model=ours, seconds=3))
    assert (video.status, video.engine, server.jobs_made) == ("succeeded", engine, 1)


@pytest.mark.parametrize("name", BLOCKS)
def test_documented_aliases_mean_models_of_the_engine(
    name: str, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(settings, monkeypatch, BLOCKS[name])
    aliases = settings.MODEL_ALIASES.items()
    assert [word for word, model in aliases if not offers.engines_for(model)] == []


def test_documented_catalog_file_loads(settings: LazySettings, tmp_path: Path) -> None:
    [text] = re.findall(r"(?ms)^```json\n(.*?)```", TEXT)
    (tmp_path / "catalog.json").write_text(text)
    settings.CATALOG_FILE = tmp_path / "catalog.json"
    found = reading.catalog()
    house = found.models["house-style"]
    assert [binding.engine for binding in house.bindings] == ["comfyui", "fal"]
    assert found.models["veo-3.1"].label == "Veo 3.1"  # kept from the presets
    listed = prices.PriceList({})
    asked = {"house-style": ("832x480", 3), "veo-3.1": ("1280x720", 4), "sora-2": ("1280x720", 8)}
    shown = {word: listed.credits(prices.Kind.TEXT, word, *order) for word, order in asked.items()}
    assert shown == {"house-style": 4, "veo-3.1": 180, "sora-2": 60}


def test_every_setting_placeholder_and_kind_is_documented() -> None:
    words = {f"`{name}`" for name in (*named_engines.OPTIONS, *named_engines.KINDS)}
    words |= {f"`{name.upper()}`" for name in engine_settings.LIMITS}
    words |= {f"`{{{name}}}`" for name in templates.NAMES}
    words |= {f"`{name}`" for kind in named_engines.KINDS.values() for name in kind.variables}
    assert sorted(word for word in words if word not in TEXT) == []


def subclasses(kind: type[Any]) -> set[type[Any]]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


def test_table_of_errors_has_every_error_and_its_sentence() -> None:
    rows = re.findall(r"(?m)^\| ((?:`[A-Z][a-z]\w+`(?:, )?)+) \|.*\| ([^|]+) \|$", TEXT)
    documented = {
        name: sentence for names, sentence in rows for name in re.findall(r"`(\w+)`", names)
    }
    base = import_module("videos.engines.errors")
    known = {kind.__name__: kind for kind in subclasses(errors.EngineError)}
    known = {name: kind for name, kind in known.items() if hasattr(base, name)}
    del known["EngineError"]
    assert documented.keys() == known.keys()
    for name, kind in known.items():
        if issubclass(kind, errors.Refused):
            code = failures.CODE_ALIASES.get(kind.code, kind.code)
            assert documented[name] == str(failures.CAUSES[code][0])
        else:
            assert documented[name].startswith("nothing")
