"""Read which engines are configured and how to reach each; config.settings calls this once.

Besides what its adapter needs, an entry holds "offered_models" and "operations" (comma-separated,
empty for all), "max_seconds" of a video, "is_sandbox", and "max_jobs" and "max_per_minute" where it
has these limits.
"""

import json
import os
import re

from config.environment import named_engines
from config.environment.env import env, flag, text

SANDBOX_KIE_SECRET = "sandbox-callback-secret"  # noqa: S105 - the sandbox's
KIE_MODELS = (
    "sora-2=sora-2-text-to-video:sora-2-image-to-video,"
    "sora-2-pro=sora-2-pro-text-to-video:sora-2-pro-image-to-video"
)
KIE_INPUT = (
    '{"*": {"aspect_ratio": "{aspect}", "n_frames": "{seconds}", "image_urls": "{images}",'
    ' "remove_watermark": true}, "sora-2-pro": {"size": "{resolution}"}}'
)
KIE_UPLOADS = "https://kieai.redpandaai.co/api/file-stream-upload"
# Limits of an engine, see videos.jobs.engine_choice.engine_limits.
LIMITS = ("max_jobs", "max_per_minute")


def configured(
    local_url: str, key: str, secret: str, *, sandbox: bool, sandbox_kie: bool
) -> dict[str, dict[str, str]]:
    """Every engine by name, in the order of preference; `key` and `secret` are the sandbox's.

    Raises ImproperlyConfigured for a value that cannot be used.
    """
    found: dict[str, dict[str, str]] = {}
    models = re.sub(r"\s", "", text("OPENAI_MODELS"))
    openai_key, openai_url = text("OPENAI_API_KEY", secret=True), text("OPENAI_BASE_URL")
    if openai_key or openai_url:
        found["openai"] = {
            "adapter": "openai",
            "base_url": openai_url or "https://api.openai.com/v1",
            "api_key": openai_key or "none",
            "webhook_secret": text("OPENAI_WEBHOOK_SECRET", secret=True),
            # The engine's names for our models, such as "sora-2=wan-2.2, sora-2-pro=wan-2.2-hq".
            "models": models,
            "offered_models": _left_sides(models),
            **_openai_abilities(),
        }
    if sora_key := text("SORA_API_KEY", secret=True):
        found["kie"] = _kie(
            text("SORA_API_BASE_URL", default="https://api.kie.ai").rstrip("/"),
            sora_key,
            text("SORA_CALLBACK_SECRET", secret=True),
            result_hosts=text("SORA_RESULT_HOSTS"),
            upload_url=text("SORA_UPLOAD_URL", default=KIE_UPLOADS),
        )
    found |= named_engines.configured()
    if sandbox_kie:
        base = f"{local_url}/sandbox/kie"
        upload_url = f"{base}/api/file-stream-upload"
        found["kie-sandbox"] = _kie(
            base, key, SANDBOX_KIE_SECRET, result_hosts="", upload_url=upload_url, is_sandbox="1"
        )
    if sandbox:
        found["sandbox"] = {
            "adapter": "openai",
            "base_url": text("SANDBOX_URL", default=f"{local_url}/sandbox/v1"),
            "api_key": key,
            "webhook_secret": secret,
            "models": "",
            "variants": "1",
            "is_sandbox": "1",
        }
    return _in_order({name: {**config, **_limits(name)} for name, config in found.items()})


def _limits(name: str) -> dict[str, str]:
    """How many jobs the engine has at once and how many submits it gets a minute, where limited."""
    prefix = named_engines.prefix_of(name)
    given = {
        option: prefix + option.upper()
        for option in LIMITS
        if os.environ.get(prefix + option.upper())
    }
    return {option: env(variable, default="", parse=_limit) for option, variable in given.items()}


def _kie(base_url: str, api_key: str, secret: str, **more: str) -> dict[str, str]:
    models = re.sub(r"\s", "", text("SORA_MODELS", default=KIE_MODELS))
    seconds = env("SORA_SECONDS", default="10,15", parse=_lengths)
    return {
        "adapter": "kie",
        "base_url": base_url,
        "api_key": api_key,
        "callback_secret": secret,
        "models": models,
        "input": env("SORA_INPUT", default=KIE_INPUT, parse=_object),
        "seconds": seconds,
        "offered_models": ",".join(pair.split("=")[0] for pair in models.split(",")),
        "operations": "text,image",
        "max_seconds": str(max(map(int, seconds.split(",")))),
        **more,
    }


def _in_order(found: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    def read(value: str) -> list[str]:
        names = re.split(r"[,\s]+", value)
        if unknown := [name for name in names if name not in found]:
            raise ValueError(f"{unknown[0]} is not configured")
        return names

    return {name: found[name] for name in env("ENGINES", "UPSTREAMS", default=[*found], parse=read)}


def _openai_abilities() -> dict[str, str]:
    """What the server with the Videos API can do besides making videos from text."""
    return {
        "operations": text("OPENAI_OPERATIONS").replace(" ", ""),
        "max_seconds": env("OPENAI_MAX_SECONDS", default="", parse=_whole_number),
        "variants": "1" if flag("OPENAI_VARIANTS", default=False) else "",
        "result_hosts": text("OPENAI_RESULT_HOSTS"),
    }


def pairs(value: str) -> dict[str, str]:
    """Read "a=b, c=d"."""
    found = dict(pair.partition("=")[::2] for pair in re.split(r"[,\s]+", value) if pair)
    if not all(found) or not all(found.values()):
        raise ValueError("expected pairs such as a=b,c=d")
    return found


def _left_sides(pairs: str) -> str:
    """The left sides of "a=b,c=d", separated by commas."""
    return ",".join(pair.split("=")[0] for pair in pairs.split(",") if pair)


def _whole_number(value: str) -> str:
    """The text of a whole number."""
    return str(int(value)) if value else ""


def _limit(value: str) -> str:
    """The text of a whole number from 1 to 1000."""
    if not 1 <= int(value) <= 1000:
        raise ValueError("expected 1 to 1000")
    return str(int(value))


def _lengths(value: str) -> str:
    """Whole seconds, separated by commas."""
    return ",".join(str(int(length)) for length in value.split(","))


def _object(value: str) -> str:
    """The text of a JSON object."""
    if not isinstance(json.loads(value), dict):
        raise ValueError("expected a JSON object")
    return value
