"""Read engines that are given by a key, or by a name with settings of its own.

`FAL_KEY=...` configures the engine "fal". Any number of engines of one kind can be given as
`ENGINE_<NAME>_KIND`, with `ENGINE_<NAME>_URL`, `ENGINE_<NAME>_API_KEY` and further options; the
same options change those of an engine that is given by its key.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from config.environment.env import env, text

GOOGLE = "https://generativelanguage.googleapis.com"


@dataclass(frozen=True)
class Kind:
    """An engine API: the variables that give its key, or its address if `is_address`.

    `has_models` says that it reads names of models from the settings, not only from the catalog.
    """

    variables: tuple[str, ...] = ()
    base_url: str = ""
    is_address: bool = False
    has_models: bool = False
    more: Mapping[str, str] = field(default_factory=dict)


KINDS = {
    "openai": Kind(has_models=True),
    "comfyui": Kind(("COMFYUI_URL",), is_address=True, has_models=True),
    "gemini": Kind(
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        f"{GOOGLE}/v1beta",
        more={"jwks_url": f"{GOOGLE}/.well-known/jwks.json"},
    ),
    "fal": Kind(("FAL_KEY",), "https://queue.fal.run"),
    "runway": Kind(
        ("RUNWAYML_API_SECRET",),
        "https://api.dev.runwayml.com/v1",
        # Its files are on this host of a content network.
        more={"result_hosts": "dnznrvs05pmza.cloudfront.net"},
    ),
    "replicate": Kind(("REPLICATE_API_TOKEN",), "https://api.replicate.com/v1"),
}
# The option of an engine by the end of its variable's name.
OPTIONS = {
    "URL": "base_url",
    "API_KEY": "api_key",
    "WEBHOOK_SECRET": "webhook_secret",
    "RESULT_HOSTS": "result_hosts",
    "MODELS": "models",
    "OPERATIONS": "operations",
    "MAX_SECONDS": "max_seconds",
    "VARIANTS": "variants",
    "WORKFLOWS": "workflows",
    "REST_URL": "rest_url",
    "API_URL": "api_url",
    "JWKS_URL": "jwks_url",
    "JWT_AUDIENCE": "jwt_audience",
}
SECRET = {"API_KEY", "WEBHOOK_SECRET"}
MODES = ("text", "image", "first_last", "reference", "remix", "extend")
# The column of a video's engine has as many characters.
LONGEST_NAME = 32
# Servers of these kinds may need no key.
KEYLESS = {"openai", "comfyui"}
# Names that other settings give.
TAKEN = ("kie", "kie-sandbox", "sandbox")
NAMED = re.compile(r"ENGINE_([A-Z][A-Z0-9_]*)_KIND")


def configured() -> dict[str, dict[str, str]]:
    """Every such engine by name: those given by their key, then the named ones in their order."""
    found: dict[str, dict[str, str]] = {}
    for kind, about in KINDS.items():
        given = about.variables and text(*about.variables, secret=not about.is_address)
        if given:
            found[kind] = _engine(kind, kind, "" if about.is_address else given,
                                  given if about.is_address else about.base_url)  # fmt: skip
    for variable in sorted(os.environ):
        if match := NAMED.fullmatch(variable):
            name = match[1].lower().replace("_", "-")
            if kind := env(variable, default="", parse=partial(_kind, name)):
                found[name] = _engine(name, kind, "", KINDS[kind].base_url)
    return found


def prefix_of(name: str) -> str:
    """The beginning of the variables with the options of an engine."""
    return f"ENGINE_{name.upper().replace('-', '_')}_"


def _engine(name: str, kind: str, key: str, base_url: str) -> dict[str, str]:
    config = {
        "adapter": kind,
        "base_url": base_url,
        "api_key": key,
        "webhook_secret": "",
        "models": "",
        **KINDS[kind].more,
    }
    prefix = prefix_of(name)
    readers: dict[str, Callable[[str], str]] = {
        "URL": _address,
        "MAX_SECONDS": _seconds,
        "OPERATIONS": _modes,
        "MODELS": partial(_models, kind),
    }
    for ending, option in OPTIONS.items():
        if os.environ.get(prefix + ending):
            read = readers.get(ending, str)
            config[option] = env(prefix + ending, default="", parse=read, secret=ending in SECRET)
    if missing := _find_missing(kind, config):
        # Read it in the way that names the variable in the error.
        env(prefix + "KIND", default="", parse=lambda value: _needs(prefix + missing))
        env(prefix + "URL", default="", parse=lambda value: _needs(prefix + missing))
    config["base_url"] = config["base_url"].rstrip("/")
    if kind == "openai":
        # Without a mapping the server makes what the catalog binds to it.
        config["offered_models"] = ",".join(
            pair.split("=")[0] for pair in config["models"].split(",") if pair
        )
        config["api_key"] = config["api_key"] or "none"
    return config


def _find_missing(kind: str, config: Mapping[str, str]) -> str:
    """The end of the variable that an engine lacks; "" when it has all that it needs."""
    needed = {"URL": "base_url"}
    if kind not in KEYLESS:
        needed["API_KEY"] = "api_key"
    if kind == "fal" and config["base_url"] != KINDS[kind].base_url:
        # Else the key of a proxy would be sent to fal itself.
        needed |= {"REST_URL": "rest_url", "API_URL": "api_url"}
    return next((ending for ending, option in needed.items() if not config.get(option)), "")


def _kind(name: str, value: str) -> str:
    if value not in KINDS:
        raise ValueError(f"expected one of {', '.join(KINDS)}")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"the name is longer than {LONGEST_NAME} characters")
    # The catalog binds models to kinds by the same words.
    if name in TAKEN or (name in KINDS and name != value):
        raise ValueError(f"an engine of this kind cannot be named {name}")
    return value


def _address(value: str) -> str:
    if urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname:
        raise ValueError("expected an address such as https://host/path")
    return value


def _seconds(value: str) -> str:
    if int(value) < 1:
        raise ValueError("expected 1 or more")
    return str(int(value))


def _modes(value: str) -> str:
    words = [word for word in re.split(r"[,\s]+", value) if word]
    if unknown := [word for word in words if word not in MODES]:
        raise ValueError(f"{unknown[0]} is none of {', '.join(MODES)}")
    return ",".join(words)


def _models(kind: str, value: str) -> str:
    if not KINDS[kind].has_models:
        raise ValueError("such an engine has its names of models from the catalog only")
    return re.sub(r"\s", "", value)


def _needs(variable: str) -> str:
    raise ValueError(f"such an engine needs {variable}")
