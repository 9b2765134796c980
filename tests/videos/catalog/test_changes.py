"""What becomes of videos and orders when the operator changes the catalog."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from tests.conftest import signed_in
from tests.videos.catalog.test_offers import FULL, GPU, VEO, use
from tests.videos.catalog.test_reading import MODEL
from tests.videos.conftest import order
from videos.catalog import offers, prices
from videos.jobs import orders
from videos.jobs.worker import execute
from videos.models import Price, Video
from videos.web.presenters.video_card import cards_of

pytestmark = pytest.mark.django_db
CHEAP = {"per": "clip", "seconds": 12, "text": 7}
OTHER = {**MODEL, "id": "wan-3.0", "label": "Wan 3.0", "sizes": ["640x360"], "aspects": [],
         "resolutions": [], "price": {"per": "second", "text": 9}}  # fmt: skip


@pytest.fixture(autouse=True)
def _engine(settings: LazySettings) -> None:
    settings.ENGINES = {"gpu": GPU}


def cancelled(video: Video) -> Video:
    Video.objects.filter(pk=video.pk).update(status=Video.Status.CANCELLED)
    return Video.objects.get(pk=video.pk)


def ordered_by_alias(user: User, tmp_path: Path, settings: LazySettings) -> Video:
    use(tmp_path, settings, MODEL, OTHER, aliases={"fast": {"model": "wan-2.2", "price": CHEAP}})
    video = cancelled(order(user, model="fast", size="854x480", seconds=10))
    assert (video.model, video.requested_model, video.credits) == ("wan-2.2", "fast", 7)
    return video


def test_video_is_retried_at_the_price_of_its_alias(
    tmp_path: Path, settings: LazySettings, alice: User
) -> None:
    again = orders.retry(ordered_by_alias(alice, tmp_path, settings))
    assert (again.model, again.requested_model, again.credits) == ("wan-2.2", "fast", 7)


@pytest.mark.parametrize("aliases", [{}, {"fast": {"model": "wan-3.0"}}])
def test_video_is_retried_as_its_model_when_its_alias_is_gone_or_means_another(
    tmp_path: Path, settings: LazySettings, alice: User, aliases: Any
) -> None:
    video = ordered_by_alias(alice, tmp_path, settings)
    use(tmp_path, settings, MODEL, OTHER, aliases=aliases)
    assert cards_of([video])[0].retry_price == 15
    again = orders.retry(video)
    assert (again.model, again.requested_model, again.credits) == ("wan-2.2", "", 15)


def test_video_of_a_model_that_an_alias_hides_is_retried_as_the_alias_says(
    tmp_path: Path, settings: LazySettings, alice: User
) -> None:
    use(tmp_path, settings, MODEL)
    video = cancelled(order(alice, model="wan-2.2", size="854x480", seconds=5))
    same = {**MODEL, "id": "wan-3.0", "label": "Wan 3.0"}
    use(tmp_path, settings, MODEL, same, aliases={"wan-2.2": {"model": "wan-3.0"}})
    again = orders.retry(video)
    assert (again.model, again.requested_model) == ("wan-3.0", "wan-2.2")


def test_alias_of_a_model_that_an_alias_hides_means_that_model(
    tmp_path: Path, settings: LazySettings
) -> None:
    other = {**MODEL, "id": "wan-3.0", "bindings": [{"engine": "away", "modes": ["text"]}]}
    aliases = {"wan-2.2": {"model": "wan-3.0"}, "old": {"model": "wan-2.2"}}
    use(tmp_path, settings, MODEL, other, aliases=aliases)
    assert offers.check("old", "854x480", 5).id == "wan-2.2"


def test_pages_show_a_video_whose_model_is_gone(
    tmp_path: Path, settings: LazySettings, alice: User, staff_client: Client
) -> None:
    use(tmp_path, settings, MODEL)
    video = cancelled(order(alice, model="wan-2.2"))
    settings.CATALOG_FILE = ""
    client = Client()
    client.force_login(alice)
    pages = [reverse("video", args=[video.pk]), "/library/", f"/studio/?from={video.pk}", "/usage/"]
    found = {page: client.get(page, follow=True).status_code for page in pages}
    assert found == dict.fromkeys(pages, 200)
    staff = [f"/admin/videos/video/{video.pk}/{page}" for page in ("change/", "actions/retry/")]
    assert {page: staff_client.get(page, follow=True).status_code for page in staff} == (
        dict.fromkeys(staff, 200)
    )
    api = signed_in(alice)
    shown = api.get(f"/api/videos/{video.pk}").json()
    assert shown["made_with"] == {"model": "wan-2.2", "label": "wan-2.2"}


def test_price_of_staff_holds_for_an_alias_without_a_price_of_its_own(
    tmp_path: Path, settings: LazySettings
) -> None:
    aliases = {"fast": {"model": "wan-2.2"}, "cheap": {"model": "wan-2.2", "price": CHEAP}}
    use(tmp_path, settings, MODEL, aliases=aliases)
    Price.objects.create(kind="text", model="wan-2.2", credits=50)
    found = {
        word: prices.price(Price.Kind.TEXT, word, "854x480", 10)
        for word in ("wan-2.2", "fast", "cheap")
    }
    assert found == {"wan-2.2": 500, "fast": 500, "cheap": 7}
    Price.objects.create(kind="text", model="fast", credits=20)
    assert prices.price(Price.Kind.TEXT, "fast", "854x480", 10) == 200


def test_staff_see_a_price_of_a_resolution_that_is_gone(
    tmp_path: Path, settings: LazySettings, staff_client: Client
) -> None:
    use(tmp_path, settings, MODEL)
    Price.objects.create(kind="text", model="wan-2.2", resolution="480p", credits=50)
    narrow = {"resolutions": ["720p"], "price": {"per": "second", "text": {"720p": 3}}}
    use(tmp_path, settings, {**MODEL, **narrow})
    assert staff_client.get("/admin/videos/price/").status_code == 200


def test_default_is_no_model_that_has_ended(tmp_path: Path, settings: LazySettings) -> None:
    over = {"id": "sora-2", "sunset": str(timezone.localdate())}
    use(tmp_path, settings, over, MODEL)
    assert offers.default_word() == offers.default_model().id == "sora-2-pro"


def test_default_is_no_alias_of_a_model_that_no_engine_makes(
    tmp_path: Path, settings: LazySettings
) -> None:
    settings.ENGINES = {"gpu": {**GPU, "offered_models": "wan-2.2"}}
    away = {**MODEL, "id": "wan-3.0", "bindings": []}
    use(tmp_path, settings, MODEL, away, aliases={"sora-2": {"model": "wan-3.0"}})
    assert offers.default_word() == "wan-2.2"


def test_order_is_submitted_as_it_was_accepted_when_its_binding_ends_meanwhile(
    tmp_path: Path, settings: LazySettings, alice: User
) -> None:
    binding = MODEL["bindings"][0]
    today = timezone.localdate()
    tomorrow = {**binding, "ends": str(today + timedelta(days=1))}
    use(tmp_path, settings, {**MODEL, "bindings": [tomorrow]})
    video = order(alice, model="wan-2.2")
    accepted = execute.render_request(video)
    use(tmp_path, settings, {**MODEL, "bindings": [{**binding, "ends": str(today)}]})
    assert offers.engines_for("wan-2.2") == []
    assert execute.render_request(video) == accepted


def test_card_offers_nothing_that_has_ended(
    tmp_path: Path, settings: LazySettings, alice: User
) -> None:
    use(tmp_path, settings, MODEL)
    video = cancelled(order(alice, model="wan-2.2"))
    assert cards_of([video])[0].retry_price == 10
    use(tmp_path, settings, {**MODEL, "sunset": str(timezone.localdate())})
    assert cards_of([video])[0].retry_price is None


def test_order_is_refused_and_not_sent_when_its_binding_is_gone(
    tmp_path: Path, settings: LazySettings, alice: User
) -> None:
    use(tmp_path, settings, MODEL)
    video = order(alice, model="wan-2.2")
    use(tmp_path, settings, {**MODEL, "bindings": []})
    video.status = Video.Status.SUBMITTING
    result = execute.execute(video)
    assert str(result) == "unsupported: the catalog does not say how gpu makes wan-2.2"


def test_staff_see_what_an_order_chose(
    tmp_path: Path, settings: LazySettings, alice: User, staff_client: Client
) -> None:
    video = ordered_by_alias(alice, tmp_path, settings)
    Video.objects.filter(pk=video.pk).update(seed=4711, negative_prompt="no fog at all")
    page = staff_client.get(f"/admin/videos/video/{video.pk}/change/").content.decode()
    assert [word in page for word in ("fast", "4711", "no fog at all")] == [True] * 3


def test_card_names_the_price_of_what_its_buttons_order(
    tmp_path: Path, settings: LazySettings, alice: User
) -> None:
    price = {"per": "second", "text": 3, "silent": 2}
    image = {"start": "{first_image}", "seed": "", "not": "", "sound": "{audio}"}
    bindings = [{"engine": "gpu", "input": FULL, "inputs": {"image": image}}]
    modes = ["text", "image", "remix"]
    model = {**VEO, "modes": modes, "bindings": bindings, "price": price}
    use(tmp_path, settings, model, aliases={"fast": {"model": "wan-2.2", "price": CHEAP}})
    choices = offers.Choices(audio=False)
    video = order(alice, model="fast", size="854x480", seconds=10, choices=choices)
    video.status = Video.Status.SUCCEEDED
    card = cards_of([video])[0]
    assert (card.remix_price, card.extend_price) == (7, 30)
    plain = {"engine": "gpu", "input": {"prompt": "{prompt}"}, "takes": ["first_image"]}
    use(tmp_path, settings, {**model, "bindings": [plain]})
    assert (cards_of([video])[0].remix_price, cards_of([video])[0].extend_price) == (None, 30)
