"""Videos from order to stored file at each engine, in each mode."""

from typing import Any

import pytest

from accounts.models import User
from billing.ledger import credits, invariants
from tests.engine_servers.local_engines import LocalEngine
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


# The modes of the model that each local server's engine is ordered with.
MODES = {
    "fal": ("text", "image", "first_last", "reference"),
    "replicate": ("text", "image", "first_last"),
    "gemini": ("text", "image", "first_last", "reference"),
    "runway": ("text", "image", "reference"),
    "comfyui": ("text", "image"),
}


def images_for(mode: str, user: User) -> dict[str, Any]:
    """Images of an order in this mode."""
    first, last = (uploads.store_image(user, upload(picture(size=(64, 36)))) for _ in range(2))
    fields: dict[str, dict[str, Any]] = {
        "image": {"first_image": first},
        "first_last": {"first_image": first, "last_image": last},
        "reference": {"references": (first, last)},
    }
    return fields.get(mode, {})


@pytest.mark.parametrize(
    ("engine", "mode"),
    [(engine, mode) for engine, modes in MODES.items() for mode in modes],
    indirect=["engine"],
)
def test_video_is_made_and_charged_once(
    engine: LocalEngine, alice: User, run: Run, mp4: bytes, mode: str
) -> None:
    images = images_for(mode, alice)
    video = run(order(alice, model=engine.model, seconds=engine.seconds, **images))
    check_stored(video, mode, mp4)
    assert (video.engine, engine.jobs_made) == (engine.kind, 1)
    price = engine.prices["image" if images else "text"]
    assert (video.credits, credits.available(alice)) == (price, 100 - price)


@pytest.mark.parametrize("engine", ["runway"], indirect=True)
def test_runway_gets_both_frames_in_one_field(
    engine: LocalEngine, alice: User, run: Run, mp4: bytes
) -> None:
    images = images_for("first_last", alice)
    video = run(order(alice, model="wan-3", size="1280x720", seconds=3, **images))
    check_stored(video, "first_last", mp4)
    *_, (_, _, _, submitted) = [found for found in engine.server.requests if found[0] == "POST"]
    assert [image["position"] for image in submitted["promptImage"]] == ["first", "last"]


@pytest.mark.parametrize("engine", ["gemini"], indirect=True)
def test_credits_come_back_and_a_retry_has_the_same_images_when_a_video_fails(
    engine: LocalEngine, alice: User, run: Run, mp4: bytes
) -> None:
    images = images_for("reference", alice)
    asked = {"model": engine.model, "seconds": engine.seconds, **images}
    video = run(order(alice, "A boat FAIL", **asked))
    assert (video.status, credits.available(alice)) == ("failed", 100)
    again = orders.retry(video)
    assert (again.operation, again.images) == ("reference", list(images["references"]))
    assert (again.credits, credits.available(alice)) == (video.credits, 100 - video.credits)


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
