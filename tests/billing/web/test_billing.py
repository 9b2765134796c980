"""The billing page: the history, the saved draft and pending payments."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from billing.ledger import credits
from billing.models import Payment
from tests.billing import payment_events
from tests.billing.web import pages
from tests.conftest import create_user
from videos.jobs import orders, removal
from videos.models import Upload, Video

DRAFT = {
    "prompt": "A paper boat at dusk",
    "model": "sora-2-pro",
    "size": "720x1280",
    "seconds": "12",
}


@pytest.fixture
def video(alice: User) -> Video:
    return orders.submit(alice, orders.VideoOrder(prompt="A paper boat", seconds=4))


@pytest.fixture
def upload(alice: User) -> Upload:
    return Upload.objects.create(
        user=alice,
        file=SimpleUploadedFile("boat.png", b"x"),
        name="boat.png",
        content_type="image/png",
        size_bytes=1,
        width=1,
        height=1,
    )


# ---- history ----


def test_entry_links_to_its_video_when_that_is_not_deleted(page: Client, video: Video) -> None:
    link = f'href="/v/{video.pk}/"'
    assert link in pages.text_of(page, "/billing/")
    assert link in pages.text_of(page, f"/billing/?video={video.pk}")
    removal.delete(video)
    for path in ("/billing/", f"/billing/?video={video.pk}"):
        shown = pages.text_of(page, path)
        assert link not in shown
        assert "A paper boat" in shown


def test_history_takes_the_same_queries_when_there_are_many_videos(
    page: Client, alice: User, video: Video, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(16) as first:
        page.get("/billing/")
    credits.grant(alice, 500, credits.Kind.BONUS, "more", expires_at=None)
    for _ in range(9):
        orders.submit(alice, orders.VideoOrder(prompt="Another", seconds=4))
    with django_assert_num_queries(len(first)):
        page.get("/billing/")


def test_times_are_in_the_browsers_time_zone_when_it_is_known(page: Client, alice: User) -> None:
    Payment.objects.update_or_create(
        pk=payment_events.create_payment(alice).pk,
        defaults={"created_at": datetime(2026, 1, 1, 23, 30, tzinfo=UTC)},
    )
    payment = Payment.objects.get()
    url = f"/billing/payments/{payment.pk}/"
    for zone, shown in (
        ("", "1 January 2026, 23:30"),
        ("Asia/Shanghai", "2 January 2026, 07:30"),
        ("../../etc/passwd", "1 January 2026, 23:30"),
        ("x" * 5000, "1 January 2026, 23:30"),
    ):
        page.cookies["tz"] = zone
        assert shown in pages.text_of(page, url)
    page.cookies["tz"] = "Asia/Shanghai"
    assert page.get(f"/api/payments/{payment.pk}").json()["created_at"].endswith("Z")


# ---- saved draft ----


def composer_form(client: Client) -> Any:
    return client.get("/studio/").context["form"]


def test_draft_is_saved_when_the_user_leaves_the_studio_to_pay(
    page: Client, alice: User, upload: Upload
) -> None:
    answer = page.post("/billing/", {**DRAFT, "first_image": str(upload.pk), "token": "x"})
    assert (answer.status_code, answer["Location"]) == (303, "/billing/?next=studio#packages")
    form = composer_form(page)
    assert {name: form[name].value() for name in DRAFT} == DRAFT
    assert (form.images.first, form.chosen_model.id, form.chosen_seconds) == (
        upload,
        "sora-2-pro",
        12,
    )
    shown = pages.text_of(page, "/studio/")
    assert DRAFT["prompt"] in shown
    assert f'value="{upload.pk}"' in shown


def test_draft_is_removed_when_the_video_is_ordered(page: Client) -> None:
    page.post("/billing/", {"prompt": "A paper boat", "seconds": "12"})
    order = {"prompt": "A paper boat", "model": "sora-2", "size": "1280x720", "seconds": "4"}
    assert page.post("/studio/", order).status_code == 303
    assert composer_form(page)["prompt"].value() in {None, ""}


def test_draft_has_default_values_when_the_saved_ones_are_invalid(page: Client) -> None:
    odd = {
        "prompt": "x" * 9000,
        "model": "gpt",
        "size": "1x1",
        "seconds": "99",
        "first_image": "no",
    }
    page.post("/billing/", odd)
    form = composer_form(page)
    assert (form.images.first, form.chosen_model.id, form.chosen_seconds) == (None, "sora-2", 8)
    assert len(form["prompt"].value()) == 5000


def test_draft_has_no_image_when_the_image_belongs_to_another_user(
    page: Client, bob: User, upload: Upload
) -> None:
    other = Client()
    other.force_login(bob)
    other.post("/billing/", {**DRAFT, "first_image": str(upload.pk)})
    assert composer_form(other).images.first is None


def test_draft_is_saved_when_the_prompt_was_entered_on_the_start_page(
    client: Client, db: None
) -> None:
    client.post("/", {"prompt": "A paper boat"})
    client.force_login(create_user("carla"))
    session = client.session
    assert session["draft"] == {"prompt": "A paper boat"}
    assert composer_form(client)["prompt"].value() == "A paper boat"


# ---- pending payments ----


def test_billing_page_names_a_pending_payment_when_its_checkout_is_open(
    page: Client, alice: User
) -> None:
    waiting = payment_events.create_payment(alice, payment_url="https://checkout.example.com/")
    words = f"{waiting.name} for ¥9.90 is not paid yet."
    text = pages.text_of(page, "/billing/")
    assert words in text
    assert f'href="/billing/payments/{waiting.pk}/"' in text
    Payment.objects.update(session_expires_at=waiting.created_at)
    assert words not in pages.text_of(page, "/billing/")


def test_billing_page_links_to_the_usage_when_it_is_open(page: Client, alice: User) -> None:
    assert '<a class="small" href="/usage/">' in pages.text_of(page, "/billing/")
