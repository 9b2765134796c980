"""The local servers of all engines, used in one way: how to configure each and how it fails."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.engine_servers import comfyui, fal, gemini, loopback, replicate, runway

Answer = Any
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(frozen=True)
class LocalEngine:
    """A running server; `server` has `clip`, `jobs_made` and `breaks_after`, whatever its kind.

    `environment` configures the product for it. `model` and `seconds` are an order of the catalog
    that it makes, `prices` the credits for that order by mode.
    """

    kind: str
    server: Any
    environment: dict[str, str]
    key_variable: str
    model: str
    seconds: int
    prices: dict[str, int]
    submit_path: str
    answer_submits: Callable[[Answer], None]
    forget_jobs: Callable[[], None]

    @property
    def jobs_made(self) -> int:
        """How many jobs were accepted, which a hosted engine is paid for."""
        return int(self.server.jobs_made)

    def lose_answers(self) -> None:
        """Accept submits and break their connections before the answer."""
        self.server.breaks_after = self.submit_path


@contextmanager
def _fal() -> Iterator[LocalEngine]:
    with loopback.serving(fal.FalServer()) as server:
        yield LocalEngine(
            "fal",
            server,
            {
                "FAL_KEY": fal.KEY,
                "ENGINE_FAL_URL": server.queue_url,
                "ENGINE_FAL_REST_URL": server.rest_url,
                "ENGINE_FAL_API_URL": server.api_url,
                "ENGINE_FAL_JWKS_URL": server.jwks_url,
                "ENGINE_FAL_RESULT_HOSTS": server.host,
            },
            "FAL_KEY",
            "wan-2.7",
            3,
            {"text": 30, "image": 30},
            "/queue/fal-ai/wan/v2.7/text-to-video",
            lambda answer: server.faults.update(submit=answer),
            server.jobs.clear,
        )


@contextmanager
def _replicate() -> Iterator[LocalEngine]:
    with loopback.serving(replicate.ReplicateServer()) as server:
        yield LocalEngine(
            "replicate",
            server,
            {
                "REPLICATE_API_TOKEN": replicate.KEY,
                "ENGINE_REPLICATE_URL": server.api_url,
                "ENGINE_REPLICATE_RESULT_HOSTS": server.host,
            },
            "REPLICATE_API_TOKEN",
            "veo-3.1-fast",
            4,
            {"text": 56, "image": 56},
            "/v1/models/google/veo-3.1-fast/predictions",
            lambda answer: server.faults.update(submit=answer),
            server.predictions.clear,
        )


@contextmanager
def _gemini() -> Iterator[LocalEngine]:
    with loopback.serving(gemini.GeminiServer()) as server:
        yield LocalEngine(
            "gemini",
            server,
            {
                "GEMINI_API_KEY": gemini.KEY,
                "ENGINE_GEMINI_URL": f"{server.url}/v1beta",
                "ENGINE_GEMINI_WEBHOOK_SECRET": WEBHOOK_SECRET,
            },
            "GEMINI_API_KEY",
            "gemini-omni-1.2",
            3,
            {"text": 21, "image": 21, "remix": 21},
            "/v1beta/interactions",
            lambda answer: setattr(server, "refusing", answer),
            server.interactions.clear,
        )


@contextmanager
def _runway() -> Iterator[LocalEngine]:
    with loopback.serving(runway.RunwayServer()) as server:
        yield LocalEngine(
            "runway",
            server,
            {
                "RUNWAYML_API_SECRET": runway.KEY,
                "ENGINE_RUNWAY_URL": f"{server.url}/v1",
                "ENGINE_RUNWAY_RESULT_HOSTS": server.host,
            },
            "RUNWAYML_API_SECRET",
            "kling-4",
            3,
            {"text": 45, "image": 45},
            "/v1/text_to_video",
            lambda answer: setattr(server, "failing", answer),
            server.tasks.clear,
        )


@contextmanager
def _comfyui() -> Iterator[LocalEngine]:
    with comfyui.running_server(key="proxy-key") as server:
        server.runs_by_itself = True
        yield LocalEngine(
            "comfyui",
            server,
            {"COMFYUI_URL": server.url, "ENGINE_COMFYUI_API_KEY": server.key},
            "ENGINE_COMFYUI_API_KEY",
            "local-wan-2.2",
            3,
            {"text": 5, "image": 6},
            "/prompt",
            lambda answer: server.answers.update({"/prompt": answer}),
            server.restart,
        )


START: dict[str, Callable[[], AbstractContextManager[LocalEngine]]] = {
    "fal": _fal,
    "replicate": _replicate,
    "gemini": _gemini,
    "runway": _runway,
    "comfyui": _comfyui,
}
