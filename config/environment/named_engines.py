"""Read engines that are given by a key, or by a name with settings of its own.

`FAL_KEY=...` configures the engine "fal". Any number of engines of one kind can be given as
`ENGINE_<NAME>_KIND`, with `ENGINE_<NAME>_URL`, `ENGINE_<NAME>_API_KEY` and further options; the
same options change those of an engine that is given by its key.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from config.environment.env import env, text

GOOGLE = "https://generativelanguage.googleapis.com"


@dataclass(frozen=True)
class Kind:
    """An engine API: the variables that give its key, or its address if `is_address`."""

    variables: tuple[str, ...] = ()
    base_url: str = ""
    is_address: bool = False
    more: Mapping[str, str] = field(default_factory=dict)


KINDS = {
    "openai": Kind(),
    "comfyui": Kind(("COMFYUI_URL",), is_address=True),
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
            kind = env(variable, default="", parse=_kind)
            found[name] = _engine(name, kind, "", KINDS[kind].base_url)
    return found


def _engine(name: str, kind: str, key: str, base_url: str) -> dict[str, str]:
    config = {
        "adapter": kind,
        "base_url": base_url,
        "api_key": key,
        "webhook_secret": "",
        "models": "",
        **KINDS[kind].more,
    }
    prefix = f"ENGINE_{name.upper().replace('-', '_')}_"
    for ending, option in OPTIONS.items():
        if os.environ.get(prefix + ending):
            config[option] = text(prefix + ending, secret=ending in SECRET)
    if not config["base_url"]:
        # Read it in the way that names the variable in the error.
        env(prefix + "KIND", default="", parse=lambda value: _needs(prefix + "URL"))
    config["base_url"] = config["base_url"].rstrip("/")
    config["models"] = re.sub(r"\s", "", config["models"])
    if kind == "openai":
        # Without a mapping the server makes what the catalog binds to it.
        config["offered_models"] = ",".join(
            pair.split("=")[0] for pair in config["models"].split(",") if pair
        )
        config["api_key"] = config["api_key"] or "none"
    return config


def _kind(value: str) -> str:
    if value not in KINDS:
        raise ValueError(f"expected one of {', '.join(KINDS)}")
    return value


def _needs(variable: str) -> str:
    raise ValueError(f"such an engine needs {variable}")
