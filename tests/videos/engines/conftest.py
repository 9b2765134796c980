"""One engine's local server, configured as an operator would, and a worker without pauses."""

from collections.abc import Callable, Iterator

import pytest
from django.conf import LazySettings

from config.environment import env, named_engines
from config.lib import clock
from tests.engine_servers.local_engines import START, LocalEngine
from tests.videos.conftest import reloaded
from videos.models import Video

Run = Callable[[Video], Video]
Work = Callable[..., None]


@pytest.fixture
def engine(
    request: pytest.FixtureRequest,
    transactional_db: None,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
    mp4: bytes,
) -> Iterator[LocalEngine]:
    """The only engine that is configured; tests name its kind as the parameter."""
    with START[request.param]() as started:
        started.server.clip = mp4
        configure(settings, monkeypatch, started.environment)
        yield started


def configure(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    """Configure the engines of an environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    readings = len(env.READINGS)
    settings.ENGINES = named_engines.configured()
    del env.READINGS[readings:]


@pytest.fixture
def run(work: Work) -> Run:
    """Return a function that runs the worker without any pause until a video has ended."""

    def until_ended(video: Video) -> Video:
        def ended() -> bool:
            now = clock.now()
            Video.objects.filter(lease=None, next_step_at__gt=now).update(next_step_at=now)
            return not reloaded(video).is_active

        work(ended)
        return reloaded(video)

    return until_ended
