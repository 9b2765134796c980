"""Samples that come with the product fill the walls until staff have published as many clips."""

from pathlib import Path
from uuid import uuid4

import av
import pytest
from django.conf import settings
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from accounts.models import User
from showcase import presenters
from showcase.models import Clip, ClipView
from showcase.samples import SAMPLES, SECONDS, Sample
from tests.showcase.test_showcase import film

pytestmark = pytest.mark.django_db
FOLDER = Path(settings.BASE_DIR) / "static" / "samples"


@pytest.mark.parametrize("address", ["/", "/showcase/"])
def test_showcase_shows_all_samples_when_no_clip_is_public(address: str) -> None:
    text = Client().get(address).content.decode()
    shown = [s for s in SAMPLES if f'href="/showcase/samples/{s.name}/"' in text]
    assert {sample.name for sample in shown} == {sample.name for sample in SAMPLES}
    assert (text.count("<span>Sample</span>"), text.count("gallery-item--portrait")) == (12, 5)
    assert 'data-film="/static/samples/lavender.mp4"' in text


@pytest.mark.parametrize("address", ["/", "/showcase/"])
def test_samples_fill_up_the_wall_until_as_many_clips_are_published(
    address: str, alice: User, mp4: bytes
) -> None:
    clip = film(alice, mp4, size="720x1280")
    text = Client().get(address).content.decode()
    found = text.count("<span>Sample</span>"), text.count("gallery-item--portrait")
    assert (f'href="/showcase/{clip.pk}/"' in text, *found) == (True, 11, 5)
    video = clip.video
    for n in range(presenters.WALL - 1):
        video.pk, video.engine_job_id = uuid4(), f"job-{n}"
        video.save(force_insert=True)
        Clip.objects.create(video=video, title="x", is_active=True, consented_at=video.created_at)
    assert "/showcase/samples/" not in Client().get(address).content.decode()
    assert Client().get("/showcase/samples/harbour/").status_code == 404


def test_filtered_showcase_has_no_samples(alice: User, mp4: bytes) -> None:
    film(alice, mp4)
    assert "Sample" not in Client().get("/showcase/?shape=landscape").content.decode()


def test_sample_page_has_no_likes_and_views() -> None:
    text = Client().get("/showcase/samples/harbour/").content.decode()
    found = ["/static/samples/harbour.mp4" in text, "Use this prompt" in text, "Sample" in text]
    assert found == [True, True, True]
    assert ClipView.objects.count() == 0
    assert "like/" not in text
    assert " views" not in text
    assert Client().get("/showcase/samples/nothing/").status_code == 404


def test_api_does_not_list_samples(anonymous: APIClient) -> None:
    assert anonymous.get("/api/showcase/videos").json()["total"] == 0
    assert Clip.objects.count() == 0


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_sample_file_is_small_and_has_the_stated_size(sample: Sample) -> None:
    mp4, still = FOLDER / f"{sample.name}.mp4", FOLDER / f"{sample.name}.webp"
    assert mp4.stat().st_size <= 150_000
    assert still.stat().st_size <= 50_000
    with av.open(str(mp4)) as container:
        picture = container.streams.video[0]
        size, seconds = (picture.width, picture.height), round((container.duration or 0) / 1e6)
    assert (size, seconds) == ((sample.width, sample.height), SECONDS)
    with Image.open(still) as image:
        assert (image.height > image.width) == sample.is_portrait
