"""The limit of cancellations: the operator pays the engine for what it has begun."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.people import deletion as people_deletion
from billing.ledger import credits
from tests.billing.conftest import grant_credits
from tests.concurrency import run_concurrently
from tests.markup import flat
from tests.videos.conftest import order, reloaded, running
from videos.account import deletion
from videos.jobs import cancellation, removal, state_machine
from videos.models import Video

SENTENCE = (
    "You may cancel %d videos that an engine has begun in 24 hours. You can cancel orders that"
    " still wait, and delete this video when it is finished."
)


@pytest.fixture
def limited(alice: User, settings: LazySettings) -> User:
    """Alice, who has used up her two cancellations."""
    settings.CANCELLATIONS_PER_DAY = 2
    grant_credits(alice, 1000)
    for n in range(2):
        cancellation.cancel(running(order(alice, f"{n}")))
    return alice


@pytest.mark.parametrize("end", [cancellation.cancel, removal.delete])
def test_rendering_video_cannot_be_cancelled_when_the_limit_is_reached(
    limited: User, end: Callable[[Video], None]
) -> None:
    video = running(order(limited))
    had = credits.available(limited)
    with pytest.raises(cancellation.TooManyCancellations) as refused:
        end(video)
    assert (str(refused.value), reloaded(video).status) == (SENTENCE % 2, "running")
    assert (reloaded(video).deleted_at, credits.available(limited)) == (None, had)


def test_waiting_order_can_be_cancelled_when_the_limit_is_reached(limited: User) -> None:
    video = order(limited)
    cancellation.cancel(video)
    assert reloaded(video).status == "cancelled"


def test_cancellations_of_waiting_orders_are_not_counted(alice: User) -> None:
    cancellation.cancel(order(alice))
    cancellation.cancel(running(order(alice)))
    assert cancellation.count_recent(alice) == 1


def test_cancellation_of_a_video_that_was_ordered_long_ago_is_counted(alice: User) -> None:
    video = running(order(alice))
    Video.objects.filter(pk=video.pk).update(created_at=timezone.now() - timedelta(days=30))
    cancellation.cancel(reloaded(video))
    assert cancellation.count_recent(alice) == 1


def test_cancellation_of_an_order_that_was_paused_for_months_is_counted(alice: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as now:
        video = order(alice)
        state_machine.pause(video)
        now.shift(timedelta(days=90))
        state_machine.resume(reloaded(video))
        cancellation.cancel(running(video))
        assert cancellation.count_recent(alice) == 1


def test_cancellation_is_possible_again_after_a_day(limited: User) -> None:
    yesterday = timezone.now() - timedelta(hours=24, seconds=1)
    first = Video.objects.filter(status="cancelled").order_by("completed_at")[0]
    Video.objects.filter(pk=first.pk).update(completed_at=yesterday)
    video = running(order(limited))
    cancellation.cancel(video)
    assert reloaded(video).status == "cancelled"


@pytest.mark.django_db(transaction=True)
def test_limit_holds_when_videos_are_cancelled_at_once(alice: User, settings: LazySettings) -> None:
    settings.CANCELLATIONS_PER_DAY = 2
    grant_credits(alice, 1000)
    videos = [running(order(alice, f"{n}")) for n in range(5)]
    run_concurrently([partial(cancellation.cancel, video) for video in videos])
    ended = sorted(Video.objects.values_list("status", flat=True))
    assert ended == ["cancelled"] * 2 + ["running"] * 3


def test_deleting_and_restoring_the_account_returns_no_credits_beyond_the_limit(
    limited: User,
) -> None:
    rendering, waiting = running(order(limited)), order(limited, "waits")
    deletion.request_deletion(limited)
    statuses = (reloaded(rendering).status, reloaded(waiting).status)
    assert statuses == ("running", "cancelled")
    people_deletion.restore(limited)
    assert cancellation.count_recent(limited) == 2


def test_everything_ends_when_the_account_is_erased(limited: User) -> None:
    video = running(order(limited))
    deletion.request_deletion(limited)
    deletion.erase_account(limited)
    assert reloaded(video).status == "cancelled"


# ---- what the interfaces say ----


def test_api_refuses_to_cancel_with_429_when_the_limit_is_reached(
    limited: User, api: APIClient
) -> None:
    video = running(order(limited))
    answers = [api.delete(f"/api/tasks/{video.pk}"), api.delete(f"/api/videos/{video.pk}")]
    expected = {"detail": SENTENCE % 2, "code": "too_many_cancellations"}
    assert [(answer.status_code, answer.json()) for answer in answers] == [(429, expected)] * 2
    assert 86_000 < int(answers[0]["Retry-After"]) <= 86_401


@pytest.mark.parametrize("action", ["cancel", "delete"])
def test_page_says_why_when_the_limit_is_reached(limited: User, page: Client, action: str) -> None:
    video = running(order(limited))
    shown = page.post(f"/v/{video.pk}/{action}/", follow=True).content.decode()
    assert SENTENCE % 2 in shown
    assert reloaded(video).status == "running"


def test_no_chosen_video_is_deleted_when_one_exceeds_the_limit(limited: User, page: Client) -> None:
    videos = [order(limited, "waits"), running(order(limited))]
    chosen = {"video": [str(video.pk) for video in videos], "sure": "1"}
    refusal = f"Nothing was deleted: “A paper boat” cannot be cancelled now. {SENTENCE % 2}"
    assert refusal in page.post("/library/delete/", chosen, follow=True).content.decode()
    assert [reloaded(video).deleted_at for video in videos] == [None, None]
    quiet = page.post("/library/delete/", {**chosen, "quiet": "1"})
    assert (quiet.status_code, quiet.content.decode()) == (409, refusal)


@pytest.mark.parametrize("action", ["cancel", "delete"])
def test_dialog_says_why_instead_of_promising_when_the_limit_is_reached(
    limited: User, page: Client, action: str
) -> None:
    dialogs = [flat(page.get(f"/v/{running(order(limited)).pk}/{action}/"))]
    dialogs.append(flat(page.get(f"/v/{order(limited).pk}/{action}/")))
    button = '<button class="btn btn--danger" type="submit">'
    shown = [(SENTENCE % 2 in body, "we return" in body, button in body) for body in dialogs]
    assert shown == [(True, False, False), (False, True, True)]


def test_dialog_names_the_video_that_stays_when_the_limit_is_reached(
    limited: User, page: Client
) -> None:
    chosen = {"video": [str(video.pk) for video in (running(order(limited, "X")), order(limited))]}
    body = flat(page.post("/library/delete/", chosen))
    assert f"“X” cannot be cancelled now. {SENTENCE % 2}" in body
    assert ("we return" in body, '<button class="btn btn--danger"' in body) == (False, False)


def test_video_page_promises_no_cancellation_when_the_limit_is_reached(
    limited: User, page: Client
) -> None:
    promise, either = "If it fails, we return all credits.", "If it fails or you cancel it"
    body = flat(page.get(f"/v/{running(order(limited)).pk}/"))
    assert (f"{promise} {SENTENCE % 2}" in body, either in body) == (True, False)


def test_limits_are_shown_to_the_user(
    limited: User, api: APIClient, page: Client, settings: LazySettings
) -> None:
    settings.JOBS_PER_USER = 7
    running(order(limited))
    assert api.get("/api/users/limits").json() == {
        "jobs_at_once": {"limit": 7, "used": 1},
        "cancellations_per_day": {"limit": 2, "used": 2},
    }
    shown = page.get("/usage/").context["limits"]
    assert shown["jobs_at_once"] == {"limit": 7, "used": 1}


def test_limits_are_null_when_the_operator_set_none(api: APIClient, anonymous: APIClient) -> None:
    assert api.get("/api/users/limits").json() == {
        "jobs_at_once": {"limit": None, "used": 0},
        "cancellations_per_day": {"limit": None, "used": 0},
    }
    assert anonymous.get("/api/users/limits").status_code == 401
