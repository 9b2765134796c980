"""While nothing is published the walls show samples that come with the product."""

from pathlib import Path

import av
import pytest
from django.conf import settings
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from accounts.models import User
from showcase.models import Clip, ClipView
from showcase.samples import SAMPLES, SECONDS, Sample
from tests.showcase.test_showcase import film

pytestmark = pytest.mark.django_db
FOLDER = Path(settings.BASE_DIR) / "static" / "samples"


@pytest.mark.parametrize("address", ["/", "/showcase/"])
def test_showcase_shows_all_samples_when_no_clip_is_public(address: str) -> None:
    text = Client().get(address).content.decode()
    shown = [s for s in SAMPLES if f'href="/showcase/samples/{s.name}/"' in text]
    assert (shown, len(shown)) == ([*SAMPLES], 8)
    assert text.count("<span>Sample</span>") == 8


@pytest.mark.parametrize("address", ["/", "/showcase/"])
def test_samples_disappear_when_first_clip_is_published(
    address: str, alice: User, mp4: bytes
) -> None:
    clip = film(alice, mp4)
    text = Client().get(address).content.decode()
    assert "/showcase/samples/" not in text
    assert f"/showcase/{clip.pk}/" in text
    assert Client().get("/showcase/samples/harbour/").status_code == 404


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
