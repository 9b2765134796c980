"""What a card and a page offer and say: what the catalog has, never an engine's words."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from config.lib import texts
from tests.markup import flat
from tests.videos.conftest import answered, claimed, completed, order, running
from tests.videos.library.test_counts import add
from videos.engines.base import JobState
from videos.engines.errors import Refused, Unavailable
from videos.jobs import orders, state_machine
from videos.jobs.worker import settle
from videos.models import EngineCircuit, Price, Video
from videos.web.presenters import waiting_times
from videos.web.presenters.video_card import cards_of

RAW = "moderator-7 says: <b>boom</b> at /srv/render.py:12"


def pages_of(page: Client, video: Video) -> dict[str, str]:
    paths = {"card": f"/v/{video.pk}/card/", "page": f"/v/{video.pk}/", "library": "/library/"}
    return {name: flat(page.get(path)) for name, path in paths.items()}


def engine(settings: LazySettings, **config: Any) -> None:
    settings.ENGINES = {"sandbox": {**settings.ENGINES["sandbox"], **config}}


@pytest.mark.parametrize("code", ["moderation_blocked", "sentinel_block", "content_filter"])
def test_card_is_blocked_when_engine_rejected_the_prompt(
    page: Client, alice: User, code: str
) -> None:
    video = answered(running(order(alice)), JobState.FAILED, failure=Refused(RAW, code=code))
    body = page.get(f"/v/{video.pk}/card/").content.decode()
    assert 'data-state="blocked"' in body
    assert "Edit prompt" in body


@pytest.mark.parametrize(
    "code", ["internal_error", "moderation_blocked", "invalid_value", "never_seen", "500"]
)
def test_failure_is_explained_without_the_engines_text(
    page: Client, alice: User, code: str
) -> None:
    refusal = Refused(RAW, code=code)
    video = answered(running(order(alice), progress=40), JobState.FAILED, failure=refusal)
    for body in pages_of(page, video).values():
        assert "20 credits returned" in body
        assert [word for word in ("moderator-7", "render.py", "never_seen") if word in body] == []


def test_remedy_links_to_the_studio_when_it_is_an_option(page: Client, alice: User) -> None:
    refusal = Refused("x", code="internal_error")
    video = answered(running(order(alice)), JobState.FAILED, failure=refusal)
    way = f'<a href="/studio/?from={video.pk}&amp;model=sora-2-pro">Try another model'
    assert [name for name, body in pages_of(page, video).items() if way not in body] == []
    body = flat(page.get(f"/studio/?from={video.pk}&model=sora-2-pro"))
    assert 'name="model" value="sora-2-pro" checked>' in body
    assert page.get(f"/studio/?from={video.pk}&model=x&seconds=-1&size=9").status_code == 200


def test_cards_of_a_page_say_what_each_says_alone(alice: User) -> None:
    """Prices and addresses are found once for a page, and for each video that they fit."""
    kinds: list[dict[str, Any]] = [
        {},
        {"seconds": 8},
        {"model": "sora-2-pro"},
        {"model": "sora-2-pro", "size": "1792x1024"},
        {"model": "unknown"},
        {"size": "1x1"},
        {"operation": "image"},
        {"operation": "reference"},
        {"audio": False, "model": "seedance-2.0"},
        {"seed": 7},
        {"negative_prompt": "fog"},
        {"requested_model": "standard"},
        {"engine": "none"},
        {"status": "failed", "seconds": 12},
        {"prompt": "  A   boat\n" + "x" * 90},
        {"prompt": "纸船" * 60},
        {"prompt": "x" * 90},
        {"prompt": "x" * 91},
        {"prompt": "e\u0301" * 60},
    ]
    for fields in kinds:
        row = add(alice, fields.get("status", "succeeded"))
        Video.objects.filter(pk=row.pk).update(**fields)
    videos = list(Video.objects.order_by("pk"))
    shown = ("retry_price", "remix_price", "extend_price", "url", "content_url", "delete_url")
    cards = cards_of(videos)
    found = [[getattr(card, name) for name in shown] for card in cards]
    alone = [[getattr(cards_of([one])[0], name) for name in shown] for one in videos]
    assert found == alone
    assert len({tuple(row[:3]) for row in found}) > 5
    assert [card.title for card in cards] == [texts.first_clause(v.prompt) for v in videos]
    ids = [str(video.pk) for video in videos]
    assert [card.url for card in cards] == [f"/v/{pk}/" for pk in ids]
    assert [card.retry_url for card in cards] == [f"/v/{pk}/retry/" for pk in ids]


def test_remix_is_offered_when_engine_supports_it(
    page: Client, alice: User, mp4: bytes, settings: LazySettings
) -> None:
    video = completed(order(alice), mp4)
    ways = ("#remix", 'id="remix"')
    found = pages_of(page, video)
    assert {name: [way for way in ways if way in body] for name, body in found.items()} == {
        "card": ["#remix"],
        "page": ['id="remix"'],
        "library": ["#remix"],
    }
    engine(settings, operations="text,image")
    found = pages_of(page, video)
    assert [(name, way) for name, body in found.items() for way in ways if way in body] == []
    answer = page.post(f"/v/{video.pk}/remix/", {"prompt": "At night", "token": uuid4()})
    assert answer.status_code == 422
    assert Video.objects.count() == 1


def test_missing_credits_of_a_remix_have_separators_when_they_are_many(
    page: Client, alice: User, mp4: bytes
) -> None:
    video = completed(order(alice), mp4)
    Price.objects.create(kind="text", model=video.model, credits="2000")
    answer = page.post(f"/v/{video.pk}/remix/", {"prompt": "At night", "token": uuid4()})
    assert answer.status_code == 402
    assert "This costs 2,000. You have 80, so you need 1,920 more." in flat(answer)


def test_buttons_of_a_card_begin_with_the_next_version(
    page: Client, alice: User, mp4: bytes
) -> None:
    completed(order(alice), mp4)
    card = flat(page.get("/library/")).split('class="card__actions"')[1].split("</article>")[0]
    tips = re.findall(r'data-tip="([^"]+)"', card)
    assert tips == ["Remix", "Download", "Delete", "Favourite"]


def test_retry_is_offered_when_engine_supports_it(
    page: Client, alice: User, mp4: bytes, settings: LazySettings
) -> None:
    lost = orders.remix(completed(order(alice), mp4), "At night")
    state_machine.cancel(lost)
    retry = f"/v/{lost.pk}/retry/"
    assert [name for name, body in pages_of(page, lost).items() if retry not in body] == []
    engine(settings, operations="text,image")
    assert [name for name, body in pages_of(page, lost).items() if retry in body] == []


def rendered(video: Video, *, waited: float, took: float) -> None:
    """Say that this video waited and was then rendered for so many seconds."""
    ended = timezone.now()
    started = ended - timedelta(seconds=took)
    ordered = started - timedelta(seconds=waited)
    row = Video.objects.filter(pk=video.pk)
    row.update(created_at=ordered, started_at=started, completed_at=ended)


def test_typical_time_is_that_of_rendering_when_videos_waited(alice: User, mp4: bytes) -> None:
    for waited, took in ((0, 30), (900, 40), (5000, 50)):
        rendered(completed(order(alice), mp4), waited=waited, took=took)
    assert round(waiting_times.typical_seconds()["sora-2"]) == 40


@pytest.mark.parametrize(("speed", "seconds"), [(0, 0), (20, 1)])
def test_typical_time_follows_the_sandbox_when_no_video_has_finished(
    db: None, settings: LazySettings, speed: float, seconds: float
) -> None:
    settings.SANDBOX, settings.SANDBOX_SPEED = True, speed
    assert waiting_times.typical_seconds()["sora-2"] == seconds


def test_library_opens_when_the_sandbox_takes_no_time(
    page: Client, alice: User, settings: LazySettings
) -> None:
    settings.SANDBOX, settings.SANDBOX_SPEED = True, 0
    order(alice)
    assert page.get("/library/").status_code == 200


def test_card_does_not_say_slower_than_usual_when_the_video_waited_and_has_just_begun(
    page: Client, alice: User, mp4: bytes
) -> None:
    rendered(completed(order(alice), mp4), waited=0, took=40)
    video = running(order(alice, "begun"))
    early = timezone.now() - timedelta(minutes=15)
    Video.objects.filter(pk=video.pk).update(created_at=early)
    body = flat(page.get(f"/v/{video.pk}/card/"))
    assert '<span class="card__eta" data-eta="40">about 40 s left</span>' in body
    Video.objects.filter(pk=video.pk).update(started_at=early)
    assert "slower than usual" in flat(page.get(f"/v/{video.pk}/card/"))


def test_card_shows_the_time_when_the_engine_tells_no_progress(
    page: Client, alice: User, mp4: bytes
) -> None:
    rendered(completed(order(alice), mp4), waited=0, took=100)
    video = running(order(alice, "begun"))
    begun = timezone.now() - timedelta(seconds=40)
    Video.objects.filter(pk=video.pk).update(started_at=begun, progress=0)
    body = flat(page.get(f"/v/{video.pk}/card/"))
    assert 'value="40"' in body
    assert "Rendering" in body
    assert '<span class="card__eta" data-eta="60">about 1 min left</span>' in body
    assert "0<small>%" not in body


@pytest.mark.parametrize(
    ("elapsed", "percent", "eta"),
    [
        (0, 0, "about 2 min left"),
        (40, 50, "about 50 s left"),  # 40 s by the progress, 60 s by the usual time
        (30, 90, "about 10 s left"),
        (99, 50, "about 50 s left"),
        (99, 94, "a few seconds left"),
        (20, 95, "finishing"),
        (600, 99, "finishing"),
        (600, 60, "slower than usual"),
    ],
)
def test_card_shows_the_time_left_by_progress_and_usual_time(
    page: Client, alice: User, mp4: bytes, elapsed: int, percent: int, eta: str
) -> None:
    rendered(completed(order(alice), mp4), waited=0, took=100)
    video = running(order(alice, "begun"))
    begun = timezone.now() - timedelta(seconds=elapsed)
    Video.objects.filter(pk=video.pk).update(started_at=begun, progress=percent)
    body = flat(page.get(f"/v/{video.pk}/card/"))
    assert re.findall(r'class="card__eta"[^>]*>([^<]*)<', body) == [eta]
    assert (f"<span data-percent>{percent}</span>" in body) == (percent > 0)


def test_card_shows_no_time_while_the_engine_is_paused(page: Client, alice: User) -> None:
    video, soon = order(alice), timezone.now() + timedelta(minutes=1)
    card = f"/v/{video.pk}/card/"
    assert "starts soon" in flat(page.get(card))
    EngineCircuit.objects.create(name="sandbox", opened_at=timezone.now(), retry_at=soon)
    assert "waiting for the engine" in flat(page.get(card))
    studio = flat(page.get("/studio/"))
    cost = studio.split('id="cost"')[1].split("</form>", maxsplit=1)[0]
    assert ("waiting for the engine" in cost, "about" in cost) == (True, False)


def test_card_says_that_the_file_is_not_there_when_fetching_it_fails_often(
    page: Client, alice: User
) -> None:
    video = answered(running(order(alice)), JobState.SUCCEEDED)
    assert "saving the file" in page.get("/library/").content.decode()
    for _ in range(3):
        settle.settle([(claimed(video), Unavailable("down"))])
    assert "the file is not there yet" in page.get("/library/").content.decode()
