"""Which engines are configured, in which order, and which values are refused."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

from config.environment import engines, env
from videos.engines import base
from videos.engines.kie import Kie

NAMES = (
    "OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODELS", "OPENAI_WEBHOOK_SECRET", "SANDBOX_URL",
    "SORA_API_KEY", "SORA_API_BASE_URL", "SORA_CALLBACK_SECRET", "SORA_RESULT_HOSTS",
    "SORA_UPLOAD_URL", "SORA_MODELS", "SORA_SECONDS", "SORA_INPUT", "ENGINES", "COMFYUI_URL",
    "FAL_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "RUNWAYML_API_SECRET", "REPLICATE_API_TOKEN",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    readings = len(env.READINGS)
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    yield
    del env.READINGS[readings:]


def configured_engines(
    monkeypatch: pytest.MonkeyPatch,
    *,
    sandbox: bool = True,
    sandbox_kie: bool = False,
    **environment: str,
) -> dict[str, dict[str, str]]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return engines.configured(
        "http://127.0.0.1:8000", "key", "secret", sandbox=sandbox, sandbox_kie=sandbox_kie
    )


def test_real_engines_come_before_sandboxes(monkeypatch: pytest.MonkeyPatch) -> None:
    found = configured_engines(monkeypatch, sandbox_kie=True, SORA_API_KEY="k", OPENAI_API_KEY="k")
    assert list(found) == ["openai", "kie", "kie-sandbox", "sandbox"]
    sandboxes = [name for name, config in found.items() if config.get("is_sandbox")]
    assert sandboxes == ["kie-sandbox", "sandbox"]


def test_engine_is_missing_when_it_is_not_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(configured_engines(monkeypatch)) == ["sandbox"]
    assert configured_engines(monkeypatch, sandbox=False) == {}


def test_engines_follow_the_configured_order(monkeypatch: pytest.MonkeyPatch) -> None:
    found = configured_engines(
        monkeypatch, SORA_API_KEY="k", OPENAI_API_KEY="k", ENGINES="kie, openai"
    )
    assert list(found) == ["kie", "openai"]


def test_documented_names_are_passed_to_the_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    found = configured_engines(
        monkeypatch,
        SORA_API_KEY="k",
        SORA_API_BASE_URL="https://gateway.example/",
        SORA_CALLBACK_SECRET="s",
        SORA_MODELS="sora-2 = kling-2.6",
        SORA_SECONDS="5,10",
        SORA_INPUT='{"*": {"duration": "{seconds}"}}',
        SORA_RESULT_HOSTS="cdn.example",
    )["kie"]
    assert found == {
        "adapter": "kie",
        "base_url": "https://gateway.example",
        "api_key": "k",
        "callback_secret": "s",
        "models": "sora-2=kling-2.6",
        "input": '{"*": {"duration": "{seconds}"}}',
        "seconds": "5,10",
        "offered_models": "sora-2",
        "operations": "text,image",
        "max_seconds": "10",
        "result_hosts": "cdn.example",
        "upload_url": engines.KIE_UPLOADS,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENGINES", "nobody"),
        ("SORA_SECONDS", "short"),
        ("SORA_INPUT", "[]"),
        ("SORA_INPUT", "{"),
    ],
)
def test_start_is_refused_when_a_value_is_invalid(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as caught:
        configured_engines(monkeypatch, SORA_API_KEY="k")
    assert str(caught.value).startswith(f"{name}: ")


def test_defaults_equal_those_of_the_example_file(monkeypatch: pytest.MonkeyPatch) -> None:
    example = Path(".env.example").read_text()
    config = configured_engines(monkeypatch, SORA_API_KEY="k")["kie"]
    for name in ("models", "input", "seconds"):
        assert f"SORA_{name.upper()}={config[name]}\n" in example
    assert json.loads(config["input"])["*"]["n_frames"] == "{seconds}"


def test_adapter_is_created_from_the_settings(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    settings.ENGINES = configured_engines(monkeypatch, SORA_API_KEY="k")
    base.get.cache_clear()
    assert isinstance(base.get("kie"), Kie)


def test_limits_belong_to_the_engine_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_KIE_SANDBOX_MAX_JOBS", "4")
    found = configured_engines(monkeypatch, sandbox_kie=True, ENGINE_SANDBOX_MAX_PER_MINUTE="30")
    limits = {
        name: {option: config.get(option, "") for option in engines.LIMITS}
        for name, config in found.items()
    }
    assert limits == {
        "kie-sandbox": {"max_jobs": "4", "max_per_minute": ""},
        "sandbox": {"max_jobs": "", "max_per_minute": "30"},
    }


@pytest.mark.parametrize("value", ["0", "-1", "1001", "many"])
def test_limit_is_refused_when_it_is_not_a_number_in_range(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match="ENGINE_SANDBOX_MAX_JOBS"):
        configured_engines(monkeypatch, ENGINE_SANDBOX_MAX_JOBS=value)


@pytest.mark.parametrize("value", ["a", "a b=c", "a=", "=b", "a=b,c"])
def test_pairs_name_what_was_expected(value: str) -> None:
    with pytest.raises(ValueError, match=r"^expected pairs such as a=b,c=d$"):
        engines.pairs(value)
