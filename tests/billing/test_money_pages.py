"""The money pages: the history, the way from the studio to the checkout and back, the proof."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from billing.ledger import credits
from billing.models import AuditRun, Entry, Payment
from tests.billing import told
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


def text_of(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


# ---- the history ----


def test_a_line_leads_to_its_video_until_that_is_deleted(page: Client, video: Video) -> None:
    link = f'href="/v/{video.pk}/"'
    assert link in text_of(page, "/billing/")
    assert link in text_of(page, f"/billing/?video={video.pk}")
    removal.delete(video)
    for path in ("/billing/", f"/billing/?video={video.pk}"):
        shown = text_of(page, path)
        assert link not in shown
        assert "A paper boat" in shown


def test_the_history_asks_as_often_for_many_videos_as_for_one(
    page: Client, alice: User, video: Video, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(15) as first:
        page.get("/billing/")
    credits.grant(alice, 500, credits.Kind.BONUS, "more", expires_at=None)
    for _ in range(9):
        orders.submit(alice, orders.VideoOrder(prompt="Another", seconds=4))
    with django_assert_num_queries(len(first)):
        page.get("/billing/")


def test_times_are_those_of_the_browsers_zone(page: Client, alice: User) -> None:
    Payment.objects.update_or_create(
        pk=told.order(alice).pk, defaults={"created_at": datetime(2026, 1, 1, 23, 30, tzinfo=UTC)}
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
        assert shown in text_of(page, url)
    page.cookies["tz"] = "Asia/Shanghai"
    assert page.get(f"/api/payments/{payment.pk}").json()["created_at"].endswith("Z")


# ---- out of credits ----


def composer(client: Client) -> Any:
    return client.get("/studio/").context["form"]


def test_the_way_to_the_checkout_keeps_the_whole_order(
    page: Client, alice: User, upload: Upload
) -> None:
    answer = page.post("/billing/", {**DRAFT, "reference": str(upload.pk), "token": "x"})
    assert (answer.status_code, answer["Location"]) == (303, "/billing/?next=studio#packages")
    form = composer(page)
    assert {name: form[name].value() for name in DRAFT} == DRAFT
    assert (form.stored_image, form.chosen_model.name, form.chosen_seconds) == (
        upload,
        "sora-2-pro",
        12,
    )
    shown = text_of(page, "/studio/")
    assert DRAFT["prompt"] in shown
    assert f'value="{upload.pk}"' in shown


def test_the_kept_order_is_gone_once_it_is_made(page: Client) -> None:
    page.post("/billing/", {"prompt": "A paper boat", "seconds": "12"})
    order = {"prompt": "A paper boat", "model": "sora-2", "size": "1280x720", "seconds": "4"}
    assert page.post("/studio/", order).status_code == 303
    assert composer(page)["prompt"].value() in {None, ""}


def test_a_kept_order_that_makes_no_sense_is_only_an_empty_one(page: Client) -> None:
    odd = {"prompt": "x" * 9000, "model": "gpt", "size": "1x1", "seconds": "99", "reference": "no"}
    page.post("/billing/", odd)
    form = composer(page)
    assert (form.stored_image, form.chosen_model.name, form.chosen_seconds) == (None, "sora-2", 8)
    assert len(form["prompt"].value()) == 5000


def test_an_image_of_somebody_else_is_not_given_back(
    page: Client, bob: User, upload: Upload
) -> None:
    other = Client()
    other.force_login(bob)
    other.post("/billing/", {**DRAFT, "reference": str(upload.pk)})
    assert composer(other).stored_image is None


def test_what_the_start_page_was_told_is_kept_too(client: Client, db: None) -> None:
    client.post("/", {"prompt": "A paper boat"})
    client.force_login(create_user("carla"))
    session = client.session
    assert session["draft"] == {"prompt": "A paper boat"}
    assert composer(client)["prompt"].value() == "A paper boat"


# ---- a payment that was not accepted ----


def test_a_payment_that_was_not_accepted_does_not_say_nothing_was_charged(
    page: Client, alice: User
) -> None:
    payment = told.order(alice, status="failed", failure_code="not_accepted")
    shown = text_of(page, f"/billing/payments/{payment.pk}/")
    assert "Nothing was charged" not in shown
    assert "Our staff will contact you about the money." in shown


# ---- the proof ----


@pytest.mark.django_db
def test_the_proof_before_the_first_one(client: Client) -> None:
    assert "No audit has run yet." in text_of(client, "/proof/")


@pytest.mark.parametrize(
    ("problems", "words"),
    [([], "No problems were found."), (["x", "y"], "2 problems were found")],
)
@pytest.mark.django_db
def test_the_proof_is_for_everybody_and_about_nobody(
    client: Client, problems: list[str], words: str
) -> None:
    secret = f"payment {uuid4()} is under review"
    at = datetime(2026, 1, 2, 3, 17, tzinfo=UTC)
    for n in (0, 1234):
        AuditRun.objects.create(
            run_at=at.replace(year=2025 + (n > 0)),
            accounts=n + 1,
            entries=n + 2,
            videos=n + 3,
            payments=n + 4,
            problems=[secret for _ in problems],
        )
    shown = text_of(client, "/proof/")
    assert words in shown
    assert secret not in shown
    assert [str(n) for n in ("1,235", "1,236", "1,237", "1,238") if str(n) not in shown] == []
    assert "2 January 2026, 03:17 UTC" in " ".join(shown.split())


def test_the_proof_is_linked_from_the_start_page(client: Client, db: None) -> None:
    assert 'href="/proof/"' in text_of(client, "/")
    assert Entry.objects.count() == 0


# ---- payments that wait ----


def test_a_payment_that_waits_is_said_on_top_until_its_checkout_closes(
    page: Client, alice: User
) -> None:
    waiting = told.order(alice, payment_url="https://checkout.example.com/")
    words = f"{waiting.name} for ¥9.90 is not paid yet."
    text = text_of(page, "/billing/")
    assert words in text
    assert f'href="/billing/payments/{waiting.pk}/"' in text
    Payment.objects.update(session_expires_at=waiting.created_at)
    assert words not in text_of(page, "/billing/")


def test_the_chart_leads_to_all_of_the_use(page: Client, alice: User) -> None:
    assert '<a class="small" href="/usage/">' in text_of(page, "/billing/")
