"""Remix a public clip: at the visitor's expense, with credit to the maker."""

from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits
from showcase import gallery, makers
from showcase.models import Clip
from tests.markup import flat
from tests.showcase.test_showcase import film
from tests.videos.conftest import claimed, completed, failed
from videos.jobs import orders, state_machine
from videos.jobs.worker import execute
from videos.library import lineage
from videos.models import Video

pytestmark = pytest.mark.django_db


@pytest.fixture
def clip(bob: User, mp4: bytes) -> Clip:
    User.objects.filter(pk=bob.pk).update(display_name="Bo")
    return film(bob, mp4)


def sent(page: Client, clip: Clip, **fields: Any) -> Any:
    return page.post(f"/showcase/{clip.pk}/remix/", {"prompt": "Make it snow", **fields})


def test_remix_is_ordered_at_the_engine_of_the_clip_and_paid_by_the_visitor(
    page: Client, alice: User, bob: User, clip: Clip
) -> None:
    before = credits.available(alice), credits.available(bob)
    answer = sent(page, clip, token="one", expected_credits="20")
    made = Video.objects.get(user=alice)
    assert (answer.status_code, answer["Location"]) == (303, f"/v/{made.pk}/")
    assert sent(page, clip, token="one", expected_credits="20")["Location"] == f"/v/{made.pk}/"
    assert (credits.available(alice), credits.available(bob)) == (before[0] - 20, before[1])
    assert (made.operation, made.source, made.public_source) == ("remix", None, clip.video)
    request = execute.render_request(claimed(made))
    assert (request.source_id, request.prompt) == (clip.video.engine_job_id, "Make it snow")


def test_nobody_sees_the_others_versions(page: Client, alice: User, clip: Clip, mp4: bytes) -> None:
    sent(page, clip)
    made = completed(Video.objects.get(user=alice), mp4)
    assert (lineage.lineage_of(made), lineage.lineage_of(clip.video)) == (None, None)
    assert lineage.previous_version(made) is None
    assert page.get(f"/v/{made.pk}/compare/").status_code == 404


def test_failed_remix_is_refunded_and_retried_from_the_same_clip(
    page: Client, alice: User, clip: Clip
) -> None:
    before = credits.available(alice)
    sent(page, clip)
    failed(Video.objects.get(user=alice))
    assert credits.available(alice) == before
    page.post(f"/v/{Video.objects.get(user=alice).pk}/retry/")
    again = Video.objects.filter(user=alice).exclude(retry_of=None).get()
    assert (again.public_source, again.source) == (clip.video, None)
    assert execute.render_request(claimed(again)).source_id == clip.video.engine_job_id


@pytest.mark.parametrize("change", ["hidden", "deleted", "closed"])
def test_failed_remix_is_not_retried_when_the_clip_is_not_public_any_more(
    page: Client, alice: User, bob: User, clip: Clip, change: str
) -> None:
    sent(page, clip)
    lost = failed(Video.objects.get(user=alice))
    if change == "hidden":
        gallery.hide(Clip.objects.all())
    elif change == "deleted":
        Video.objects.filter(pk=clip.video_id).update(deleted_at=timezone.now())
    else:
        User.objects.filter(pk=bob.pk).update(is_active=False)
    before = credits.available(alice)
    with pytest.raises(state_machine.NotPossible):
        orders.retry(lost)
    assert (Video.objects.filter(user=alice).count(), credits.available(alice)) == (1, before)


def test_nothing_is_charged_when_the_shown_price_cannot_be_read(
    page: Client, alice: User, clip: Clip
) -> None:
    before = credits.available(alice)
    assert sent(page, clip, expected_credits="abc").status_code == 422
    assert credits.available(alice) == before


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"prompt": ""}, "Describe what the video should show."),
        ({"expected_credits": "1"}, "The price is now 20 credits, not 1. Nothing was ordered."),
    ],
)
def test_nothing_is_charged_when_an_order_is_refused(
    page: Client, alice: User, clip: Clip, fields: dict[str, str], why: str
) -> None:
    before = credits.available(alice)
    answer = sent(page, clip, **fields)
    assert (answer.status_code, credits.available(alice)) == (422, before)
    assert why in flat(answer)


def test_price_of_a_remix_is_shown_and_credits_that_lack_are_named(
    page: Client, alice: User, clip: Clip, settings: LazySettings
) -> None:
    text = flat(page.get(f"/showcase/{clip.pk}/"))
    assert ('name="expected_credits" value="20"' in text, "Remix this video" in text) == (True,) * 2
    credits.spend(alice, credits.available(alice), "all", credits.Purpose("x", "", "x"))
    answer = sent(page, clip)
    assert (answer.status_code, "you need 20 more" in flat(answer)) == (402, True)


def test_remix_needs_a_sign_in_and_a_public_clip(page: Client, clip: Clip) -> None:
    assert sent(Client(), clip)["Location"] == f"/accounts/login/?next=/showcase/{clip.pk}/"
    assert "Sign in to remix" in flat(Client().get(f"/showcase/{clip.pk}/"))
    gallery.hide(Clip.objects.all())
    assert (sent(page, clip).status_code, Video.objects.count()) == (404, 1)


def test_own_clip_is_remixed_within_its_own_versions(bob: User, clip: Clip) -> None:
    page = Client()
    page.force_login(bob)
    sent(page, clip)
    made = Video.objects.exclude(pk=clip.video.pk).get()
    assert (made.source, made.public_source) == (clip.video, None)


def test_remix_credits_clip_and_maker_as_long_as_both_are_public(
    page: Client, alice: User, bob: User, clip: Clip, mp4: bytes
) -> None:
    sent(page, clip)
    own = f"/v/{Video.objects.get(user=alice).pk}/"
    bob.refresh_from_db()
    link = f'Remixed from <a href="/showcase/{clip.pk}/">A boat</a>'
    plain = link.replace(" <", "<").replace("> ", ">")
    assert (plain in flat(page.get(own)), "by Bo" in flat(page.get(own))) == (True, False)
    makers.publish(bob, "")
    assert "by Bo" in flat(page.get(own))
    remix = gallery.offer(completed(Video.objects.get(user=alice), mp4))
    gallery.publish(Clip.objects.filter(pk=remix.pk))
    assert plain in flat(Client().get(f"/showcase/{remix.pk}/"))
    gallery.hide(Clip.objects.filter(pk=clip.pk))
    assert "Remixed from" not in flat(page.get(own))
