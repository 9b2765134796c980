"""The queue page: places, pause, resume, to the front, cancel all."""

import re
from copy import copy
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from billing.ledger import credits
from tests.billing.conftest import grant_credits
from tests.markup import flat
from tests.videos.conftest import completed, order, reloaded, running
from videos.jobs import own_queue, state_machine
from videos.models import Video

QUEUE = "/studio/queue/"
CANCEL = "/studio/queue/cancel/"


@pytest.fixture
def rich(alice: User) -> User:
    grant_credits(alice, 1000)
    return alice


def listed(answer: Any) -> list[tuple[str, str]]:
    """What stands before each order, and its title."""
    rows = re.findall(r"<li.*?</li>", flat(answer).split('id="queue"')[1])
    return [(place_of(row), re.findall(r'<a href="/v/[^"]+">(.*?)</a>', row)[0]) for row in rows]


def place_of(row: str) -> str:
    badge = re.findall(r'queue-list__place.*?>(.*?)<div class="queue-list__order"', row)[0]
    return re.sub(r"<[^>]*>", "", badge).replace("Place in the queue:", "").strip()


def act(page: Client, act: str, video: Any = "") -> Any:
    return page.post(QUEUE, {"act": act, "video": getattr(video, "pk", video)})


def test_page_shows_what_renders_and_waits_with_its_place(
    page: Client, rich: User, bob: User, mp4: bytes
) -> None:
    completed(order(rich, "done"), mp4)
    running(order(rich, "runs"), progress=40)
    boat, _kite, bobs = order(rich, "boat"), order(rich, "kite"), order(bob, "bobs")
    state_machine.pause(boat)
    answer = page.get(QUEUE)
    assert listed(answer) == [("40%", "runs"), ("paused", "boat"), ("2", "kite")]
    body = flat(answer)
    assert "2 orders wait" in body
    assert "40 credits are charged for them" in body
    assert str(bobs.pk) not in body


def test_page_says_so_when_nothing_waits(page: Client) -> None:
    assert "Nothing waits or renders" in flat(page.get(QUEUE))
    assert "Nothing waits or renders." in flat(page.get(CANCEL))


def test_page_is_linked_from_the_studio(page: Client, alice: User) -> None:
    order(alice)
    assert f'href="{QUEUE}"' in flat(page.get("/studio/"))


def test_order_is_paused_resumed_and_moved(page: Client, rich: User) -> None:
    boat, kite = order(rich, "boat"), order(rich, "kite")
    assert act(page, "pause", boat)["Location"] == QUEUE
    assert listed(page.get(QUEUE)) == [("paused", "boat"), ("1", "kite")]
    act(page, "resume", boat)
    assert listed(page.get(QUEUE)) == [("1", "boat"), ("2", "kite")]
    act(page, "front", kite)
    assert listed(page.get(QUEUE)) == [("1", "kite"), ("2", "boat")]


def test_all_are_paused_and_resumed(page: Client, rich: User) -> None:
    order(rich, "boat")
    order(rich, "kite")
    act(page, "pause-all")
    assert listed(page.get(QUEUE)) == [("paused", "boat"), ("paused", "kite")]
    act(page, "resume-all")
    assert listed(page.get(QUEUE)) == [("1", "boat"), ("2", "kite")]


@pytest.mark.parametrize("name", ["pause", "front"])
def test_order_that_no_longer_waits_says_so(page: Client, rich: User, name: str) -> None:
    boat = running(order(rich, "boat"))
    answer = act(page, name, boat)
    assert "This order no longer waits." in flat(page.get(answer["Location"]))
    assert (reloaded(boat).paused_at, reloaded(boat).front_at) == (None, None)


@pytest.mark.parametrize("name", ["pause", "resume", "front", "", "delete"])
def test_video_of_a_stranger_is_404(page: Client, bob: User, name: str) -> None:
    boat = order(bob, "boat")
    assert act(page, name, boat).status_code == 404
    assert (reloaded(boat).paused_at, reloaded(boat).front_at) == (None, None)


@pytest.mark.parametrize("video", ["", "x", uuid4()])
def test_unknown_video_is_404(page: Client, alice: User, video: Any) -> None:
    assert act(page, "pause", video).status_code == 404


def test_unknown_act_is_404(page: Client, alice: User) -> None:
    assert act(page, "explode", order(alice)).status_code == 404


@pytest.mark.parametrize("path", [QUEUE, CANCEL])
def test_page_leads_to_the_sign_in_when_nobody_is_signed_in(db: None, path: str) -> None:
    for answer in (Client().get(path), Client().post(path, {"act": "pause-all"})):
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/accounts/login/")


@pytest.mark.parametrize("path", [QUEUE, CANCEL])
def test_form_needs_its_csrf_token(alice: User, path: str) -> None:
    video = order(alice)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert browser.post(path, {"act": "pause-all", "what": "all"}).status_code == 403
    assert (reloaded(video).status, reloaded(video).paused_at) == ("queued", None)


def test_question_names_what_comes_back(page: Client, rich: User) -> None:
    running(order(rich, "runs"))
    order(rich, "boat")
    order(rich, "kite", model="sora-2-pro")
    body = flat(page.get(CANCEL))
    assert "2 orders wait and have not been begun. We return 50 credits for them." in body
    assert "1 video renders. If you cancel them too, we return 20 more credits." in body


def test_what_waits_is_cancelled_and_refunded(page: Client, rich: User) -> None:
    begun, boat, had = running(order(rich, "runs")), order(rich, "boat"), credits.available(rich)
    answer = page.post(CANCEL, {"what": "waiting"})
    assert answer["Location"] == QUEUE
    said = flat(page.get(QUEUE))
    assert "1 video was cancelled. 20 credits were returned." in said
    assert (reloaded(boat).status, reloaded(begun).status) == ("cancelled", "running")
    assert credits.available(rich) == had + 20


def test_everything_is_cancelled_up_to_the_limit(
    page: Client, rich: User, settings: LazySettings
) -> None:
    settings.CANCELLATIONS_PER_DAY = 1
    for name in ("first", "second"):
        running(order(rich, name))
    order(rich, "boat")
    page.post(CANCEL, {"what": "all"})
    said = flat(page.get(QUEUE))
    assert "2 videos were cancelled. 40 credits were returned." in said
    assert "You may cancel 1 video that an engine has begun in 24 hours." in said
    assert Video.objects.active().count() == 1
    assert 'value="all"' not in flat(page.get(CANCEL))


def test_nothing_happens_twice_when_all_is_cancelled_again(page: Client, rich: User) -> None:
    order(rich, "boat")
    for _ in range(2):
        page.post(CANCEL, {"what": "all"})
    assert "There was nothing left to cancel." in flat(page.get(QUEUE))


def test_cancelling_one_leads_back_to_the_queue(page: Client, rich: User) -> None:
    boat = order(rich, "boat")
    question = page.get(f"/v/{boat.pk}/cancel/", {"next": QUEUE})
    assert f'<input type="hidden" name="next" value="{QUEUE}">' in flat(question)
    answer = page.post(f"/v/{boat.pk}/cancel/", {"next": QUEUE})
    assert (answer["Location"], reloaded(boat).status) == (QUEUE, "cancelled")


def test_queries_do_not_grow_with_the_queue(
    page: Client, rich: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    running(order(rich, "runs"))
    order(rich, "boat")
    page.get(QUEUE)
    with django_assert_max_num_queries(30) as few:
        page.get(QUEUE)
    for n in range(5):
        order(rich, f"{n}")
    with django_assert_max_num_queries(len(few)):
        page.get(QUEUE)


def test_long_queue_has_pages(page: Client, rich: User) -> None:
    last = order(rich, "boat")
    copies = [copy(last) for _n in range(own_queue.MOST_LISTED)]
    for n, one in enumerate(copies):
        one.pk, one.prompt = uuid4(), f"ship {n}"
        one.created_at -= timedelta(minutes=1)
    Video.objects.bulk_create(copies)
    first, second = flat(page.get(QUEUE)), flat(page.get(f"{QUEUE}?page=2"))
    assert (">boat<" in first, "Page 1 of 2" in first) == (False, True)
    assert (">boat<" in second, "ship 7" in second) == (True, False)
