"""Two engines that make the same model: an order moves only if the first did not take it."""

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from accounts.models import User
from billing.ledger import credits, invariants
from tests.engine_servers import fal
from tests.engine_servers.local_engines import START, Answer, LocalEngine
from tests.videos.conftest import order
from tests.videos.engines.conftest import Run, configure

Pair = tuple[LocalEngine, LocalEngine]
# The model that both make, its price, and where fal takes it.
MODEL, PRICE, SUBMIT_PATH = "veo-3.1-fast", 56, "/queue/fal-ai/veo3.1/fast"


@pytest.fixture
def engines(
    transactional_db: None, settings: LazySettings, monkeypatch: pytest.MonkeyPatch, mp4: bytes
) -> Iterator[Pair]:
    """The engine that the catalog prefers, and the next one."""
    with START["fal"]() as first, START["replicate"]() as second:
        first.server.clip = second.server.clip = mp4
        configure(settings, monkeypatch, {**first.environment, **second.environment})
        yield first, second


@pytest.mark.parametrize(
    "answer",
    [fal.LOCKED, (401, {"detail": "Cannot access application."})],
    ids=["empty account", "wrong key"],
)
def test_order_moves_when_the_first_engine_certainly_did_not_take_it(
    engines: Pair, alice: User, run: Run, answer: Answer
) -> None:
    first, second = engines
    first.answer_submits(answer)
    video = run(order(alice, model=MODEL, seconds=4))
    assert (video.status, video.engine) == ("succeeded", "replicate")
    assert (first.jobs_made, second.jobs_made) == (0, 1)
    assert (credits.available(alice), invariants.problems()) == (100 - PRICE, [])


def test_order_stays_when_the_first_engine_may_have_taken_it(
    engines: Pair, alice: User, run: Run
) -> None:
    first, second = engines
    first.server.breaks_after = SUBMIT_PATH
    video = run(order(alice, model=MODEL, seconds=4))
    assert (video.status, video.engine) == ("succeeded", "fal")
    assert (first.jobs_made, second.jobs_made) == (1, 0)
    assert credits.available(alice) == 100 - PRICE


def test_order_does_not_move_when_its_prompt_is_blocked(
    engines: Pair, alice: User, run: Run
) -> None:
    first, second = engines
    video = run(order(alice, "BLOCK", model=MODEL, seconds=4))
    assert (video.status, video.failure_code) == ("failed", "moderation_blocked")
    assert (first.jobs_made, second.jobs_made) == (1, 0)
    assert (credits.available(alice), invariants.problems()) == (100, [])
