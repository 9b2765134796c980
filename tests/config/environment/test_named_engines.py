"""Engines given by a key, and engines given by a name."""

import os
from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.environment import engines, env, named_engines
from videos.engines import base


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    readings = len(env.READINGS)
    for name in list(os.environ):
        if name.startswith(("ENGINE", "OPENAI_", "SORA_", "COMFYUI_")) or name.endswith("_KEY"):
            monkeypatch.delenv(name)
    yield
    del env.READINGS[readings:]


def configured(monkeypatch: pytest.MonkeyPatch, **given: str) -> dict[str, dict[str, str]]:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return engines.configured("http://ours", "key", "secret", sandbox=False, sandbox_kie=False)


@pytest.mark.parametrize(
    ("variable", "kind", "base_url", "result_hosts"),
    [
        ("FAL_KEY", "fal", "https://queue.fal.run", ""),
        ("GEMINI_API_KEY", "gemini", "https://generativelanguage.googleapis.com/v1beta", ""),
        ("GOOGLE_API_KEY", "gemini", "https://generativelanguage.googleapis.com/v1beta", ""),
        ("RUNWAYML_API_SECRET", "runway", "https://api.dev.runwayml.com/v1",
         "dnznrvs05pmza.cloudfront.net"),
        ("REPLICATE_API_TOKEN", "replicate", "https://api.replicate.com/v1", ""),
    ],
)  # fmt: skip
def test_key_is_enough(
    monkeypatch: pytest.MonkeyPatch, variable: str, kind: str, base_url: str, result_hosts: str
) -> None:
    found = configured(monkeypatch, **{variable: "secret-key"})
    assert list(found) == [kind]
    config = found[kind]
    shown = {name: config.get(name, "") for name in ("adapter", "base_url", "api_key",
                                                      "result_hosts")}  # fmt: skip
    assert shown == {
        "adapter": kind, "base_url": base_url, "api_key": "secret-key",
        "result_hosts": result_hosts,
    }  # fmt: skip


def test_address_is_enough_for_comfyui(monkeypatch: pytest.MonkeyPatch) -> None:
    config = configured(monkeypatch, COMFYUI_URL="http://10.0.0.5:8188/")["comfyui"]
    assert (config["adapter"], config["base_url"], config["api_key"]) == (
        "comfyui",
        "http://10.0.0.5:8188",
        "",
    )


def test_several_engines_of_a_kind_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    found = configured(
        monkeypatch,
        ENGINE_COMFY_A_KIND="comfyui",
        ENGINE_COMFY_A_URL="http://10.0.0.5:8188",
        ENGINE_COMFY_A_WORKFLOWS="/etc/workflows",
        ENGINE_COMFY_B_KIND="comfyui",
        ENGINE_COMFY_B_URL="http://10.0.0.6:8188",
        ENGINE_GPU_KIND="openai",
        ENGINE_GPU_URL="http://10.0.0.7:8000/v1",
        ENGINE_GPU_MODELS="wan-2.2 = Wan-AI/Wan2.2",
        FAL_KEY="f",
        ENGINE_FAL_RESULT_HOSTS="cdn.example",
        ENGINES="gpu, comfy-b, comfy-a, fal",
    )
    assert list(found) == ["gpu", "comfy-b", "comfy-a", "fal"]
    assert found["comfy-a"] == {
        "adapter": "comfyui",
        "base_url": "http://10.0.0.5:8188",
        "api_key": "",
        "webhook_secret": "",
        "models": "",
        "workflows": "/etc/workflows",
    }
    assert (found["gpu"]["models"], found["gpu"]["offered_models"], found["gpu"]["api_key"]) == (
        "wan-2.2=Wan-AI/Wan2.2",
        "wan-2.2",
        "none",
    )
    assert found["fal"]["result_hosts"] == "cdn.example"


NEEDS = "such an engine needs ENGINE_GPU_URL"
KINDS = "openai, comfyui, gemini, fal, runway, replicate"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"ENGINE_GPU_KIND": "sora"}, f"'sora' is not usable: expected one of {KINDS}"),
        ({"ENGINE_GPU_KIND": "openai"}, f"'openai' is not usable: {NEEDS}"),
        ({"ENGINE_GPU_KIND": "fal", "ENGINE_GPU_API_KEY": "k", "ENGINE_GPU_URL": "https://proxy"},
         "'fal' is not usable: such an engine needs ENGINE_GPU_REST_URL"),
        ({"ENGINE_GPU_KIND": "fal"},
         "'fal' is not usable: such an engine needs ENGINE_GPU_API_KEY"),
    ],
)  # fmt: skip
def test_fault_is_named(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        configured(monkeypatch, **given)
    assert str(caught.value) == f"ENGINE_GPU_KIND: {sentence}"


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("URL", "ftp://h", "expected an address such as https://host/path"),
        ("MAX_SECONDS", "0", "expected 1 or more"),
        ("MAX_SECONDS", "x", "invalid literal for int() with base 10: 'x'"),
        ("OPERATIONS", "txt", f"txt is none of {', '.join(named_engines.MODES)}"),
        ("MODELS", "a=b", "such an engine has its names of models from the catalog only"),
    ],
)
def test_fault_of_an_option_is_named(
    monkeypatch: pytest.MonkeyPatch, option: str, value: str, sentence: str
) -> None:
    given = {"ENGINE_A_KIND": "fal", "ENGINE_A_API_KEY": "k", f"ENGINE_A_{option}": value}
    with pytest.raises(ImproperlyConfigured) as caught:
        configured(monkeypatch, **given)
    assert str(caught.value) == f"ENGINE_A_{option}: {value!r} is not usable: {sentence}"


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        ("A" * 33, "comfyui", "the name is longer than 32 characters"),
        ("FAL", "replicate", "an engine of this kind cannot be named fal"),
        ("KIE_SANDBOX", "openai", "an engine of this kind cannot be named kie-sandbox"),
    ],
)
def test_name_that_no_engine_can_have_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: str, sentence: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        configured(monkeypatch, **{f"ENGINE_{name}_KIND": kind})
    assert str(caught.value) == f"ENGINE_{name}_KIND: {kind!r} is not usable: {sentence}"


def test_operations_may_have_spaces_and_an_empty_kind_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {"ENGINE_A_KIND": "fal", "ENGINE_A_API_KEY": "k", "ENGINE_A_OPERATIONS": "text, image"}
    found = configured(monkeypatch, **given, ENGINE_B_KIND="")
    assert {name: config["operations"] for name, config in found.items()} == {"a": "text,image"}


@pytest.mark.parametrize("kind", named_engines.KINDS)
def test_every_kind_has_an_adapter(
    monkeypatch: pytest.MonkeyPatch, settings: object, kind: str
) -> None:
    found = configured(
        monkeypatch,
        ENGINE_ONE_KIND=kind,
        ENGINE_ONE_URL="http://127.0.0.1:9/v1",
        ENGINE_ONE_API_KEY="k",
        ENGINE_ONE_REST_URL="http://127.0.0.1:9/rest",
        ENGINE_ONE_API_URL="http://127.0.0.1:9/api",
    )
    settings.ENGINES = found  # type: ignore[attr-defined]
    assert base.get("one").name == "one"
