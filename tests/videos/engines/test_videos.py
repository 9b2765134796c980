"""Videos from order to stored file at each engine, in each mode."""

import pytest

from accounts.models import User
from billing.ledger import credits, invariants
from tests.engine_servers.local_engines import START, LocalEngine
from tests.videos.conftest import order, picture, upload
from tests.videos.engines.conftest import Run
from videos.jobs import orders
from videos.media import uploads
from videos.models import Video


def check_stored(video: Video, mode: str, mp4: bytes) -> None:
    assert (video.status, video.failure_detail) == ("succeeded", "")
    assert (video.operation, video.submit_count) == (mode, 1)
    assert video.file.read() == mp4
    assert video.thumbnail
    assert video.spritesheet
    assert invariants.problems() == []


@pytest.mark.parametrize("mode", ["text", "image"])
@pytest.mark.parametrize("engine", START, indirect=True)
def test_video_is_made_and_charged_once(
    engine: LocalEngine, alice: User, run: Run, mp4: bytes, mode: str
) -> None:
    image = uploads.store_image(alice, upload(picture(size=(1280, 720))))
    reference = image if mode == "image" else None
    asked = order(alice, model=engine.model, seconds=engine.seconds, first_image=reference)
    video = run(asked)
    check_stored(video, mode, mp4)
    assert (video.engine, engine.jobs_made) == (engine.kind, 1)
    assert (video.credits, credits.available(alice)) == (
        engine.prices[mode],
        100 - engine.prices[mode],
    )


@pytest.mark.parametrize("engine", ["gemini"], indirect=True)
def test_remix_is_made_from_the_job_of_its_source(
    engine: LocalEngine, alice: User, run: Run, mp4: bytes
) -> None:
    source = run(order(alice, model=engine.model, seconds=engine.seconds))
    video = run(orders.remix(source, "At night"))
    check_stored(video, "remix", mp4)
    *_, (_, _, _, submitted) = [found for found in engine.server.requests if found[0] == "POST"]
    assert submitted["previous_interaction_id"] == source.engine_job_id
    assert (engine.jobs_made, credits.available(alice)) == (2, 100 - 2 * engine.prices["remix"])
