"""Review links: the preview, the page without an account, the owner's page, and e-mails."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import av
import numpy as np
import pytest
from django.conf import LazySettings
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse

from accounts.models import User
from config.lib import clock
from tests.videos.conftest import order
from tests.videos.editing.conftest import film, finished, fresh
from tests.videos.editing.conftest import make_edits as make_edits  # noqa: PLC0414 - a fixture
from videos.account import deletion
from videos.editing import previews
from videos.editing.recipes import NotEditable
from videos.jobs import removal
from videos.models import MediaJob, ReviewComment, ReviewLink, Video
from videos.reviews import comments, links, mails
from videos.reviews.comments import NewComment
from videos.reviews.links import LinkOptions

pytestmark = pytest.mark.django_db
BIG = (96, 640)


@pytest.fixture
def source(alice: User) -> Video:
    return finished(alice)


@pytest.fixture
def link(source: Video) -> ReviewLink:
    return links.create(source, LinkOptions("Client"))


def url(link: ReviewLink, name: str = "review") -> str:
    return reverse(name, args=[links.token_of(link)])


def say(client: Client, link: ReviewLink, **fields: Any) -> Any:
    return client.post(url(link), {"name": "Rea", "text": "Too dark", "at": "0.5", **fields})


def preview_of(link: ReviewLink) -> MediaJob:
    assert link.preview is not None
    return fresh(link.preview)


def test_preview_is_small_marked_and_removed_with_its_link(
    alice: User, make_edits: Callable[..., None], client: Client
) -> None:
    link = links.create(finished(alice, film(BIG, 6, hertz=0)), LinkOptions("Client"))
    assert client.get(url(link, "review-preview")).status_code == 404
    assert "is being made" in client.get(url(link)).content.decode()
    make_edits()
    job = preview_of(link)
    assert (job.status, job.result, Video.objects.count()) == ("succeeded", None, 1)
    name = previews.file_name(job)
    with default_storage.open(name) as stored, av.open(io.BytesIO(stored.read()), "r") as made:
        frames = [frame.to_ndarray(format="rgb24") for frame in made.decode(video=0)]
    assert (len(frames), frames[0].shape) == (6, (480, 72, 3))
    # The source has one colour a frame; the letters are lighter, all over the picture.
    assert abs(int(np.median(frames[0][..., 0])) - 200) < 12  # most of the picture is as it was
    halves = [frames[0][:240].max(axis=(0, 1))[1], frames[0][240:].max(axis=(0, 1))[1]]
    assert min(halves) > 80
    assert client.get(url(link, "review-preview")).status_code == 200
    assert url(link, "review-preview") in client.get(url(link)).content.decode()
    links.end(link)
    make_edits()
    assert not default_storage.exists(name)
    assert (
        client.get(url(link)).status_code,
        client.get(url(link, "review-preview")).status_code,
    ) == (404, 404)


def test_preview_of_an_expired_link_and_of_a_deleted_video_is_removed(
    source: Video, link: ReviewLink, make_edits: Callable[..., None]
) -> None:
    other = links.create(source, LinkOptions("Other"))
    make_edits()
    names = [previews.file_name(preview_of(one)) for one in (link, other)]
    ReviewLink.objects.filter(pk=link.pk).update(expires_at=clock.now())
    assert links.discard_previews() == 1
    make_edits()
    assert [default_storage.exists(name) for name in names] == [False, True]
    removal.delete(source, undo=True)
    assert links.discard_previews() == 0
    Video.objects.update(deleted_at=clock.now() - Video.UNDO - timedelta(seconds=1))
    assert links.discard_previews() == 1
    make_edits()
    assert [default_storage.exists(name) for name in names] == [False, False]


def test_comment_and_verdict_are_kept_and_shown(client: Client, link: ReviewLink) -> None:
    answer = say(client, link, x="25", y="75")
    assert (answer.status_code, say(client, link, x="25", y="75").status_code) == (303, 303)
    say(client, link, kind="approved", text="")
    kept = [(c.kind, c.name, c.text, c.at, c.x, c.y) for c in comments.of_link(link)]
    assert kept == [
        ("comment", "Rea", "Too dark", 0.5, 0.25, 0.75),
        ("approved", "Rea", "", None, None, None),
    ]
    page = client.get(url(link) + "?t=0.5")
    shown = page.content.decode()
    assert all(words in shown for words in ("Too dark", 'data-seek="0.5"', 'value="Rea"'))
    assert (page["X-Robots-Tag"], page["Cache-Control"]) == ("noindex", "private, no-store")
    assert page["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " "},
        {"name": "a" * 61},
        {"name": "a\x07b"},
        {"text": ""},
        {"text": "a" * 2001},
        {"text": "a\u202eb"},
        {"kind": "changes", "text": " "},
        {"at": ""},
        {"at": "-1"},
        {"at": "900"},
        {"at": "nan"},
        {"x": "101", "y": "0"},
    ],
)
def test_bad_input_is_refused_with_a_sentence(
    client: Client, link: ReviewLink, fields: dict[str, str]
) -> None:
    answer = say(client, link, **fields)
    assert (answer.status_code, ReviewComment.objects.count()) == (422, 0)
    assert 'role="alert"' in answer.content.decode()


def test_password_opens_page_and_preview(
    client: Client, source: Video, settings: LazySettings
) -> None:
    link = links.create(source, LinkOptions("Client", password="open sesame"))
    asked = client.get(url(link))
    assert ("has a password" in asked.content.decode(), asked["X-Robots-Tag"]) == (True, "noindex")
    assert client.get(url(link, "review-poster")).status_code == 404
    wrong = client.post(url(link), {"password": "sesame", "name": "Rea", "text": "x", "at": "0"})
    assert (wrong.status_code, "is wrong" in wrong.content.decode()) == (422, True)
    assert ReviewComment.objects.count() == 0
    assert client.post(url(link), {"password": "open sesame"}).status_code == 303
    assert "What do you think?" in client.get(url(link)).content.decode()
    assert client.get(url(link, "review-poster")).status_code == 200
    settings.RATE_REVIEW_PASSWORDS = (1, 60)
    again = Client()
    tries = [again.post(url(link), {"password": "open sesam"}).status_code for _ in range(2)]
    assert tries == [422, 429]


def test_unknown_ended_and_expired_links_are_not_found(client: Client, source: Video) -> None:
    made = [links.create(source, LinkOptions(name)) for name in ("a", "b", "c")]
    links.end(made[0])
    ReviewLink.objects.filter(pk=made[1].pk).update(expires_at=clock.now())
    found = [client.get(url(one)).status_code for one in made]
    assert (found, client.get("/review/nonsense/").status_code) == ([404, 404, 200], 404)
    removal.delete(source)
    assert client.get(url(made[2])).status_code == 404


def test_full_file_is_sent_only_where_the_owner_allows_it(client: Client, source: Video) -> None:
    closed, opened = (
        links.create(source, LinkOptions("a")),
        links.create(source, LinkOptions("b", full_file=True)),
    )
    assert client.get(url(closed, "review-file")).status_code == 404
    answer: Any = client.get(url(opened, "review-file"))
    assert (answer.status_code, int(answer["Content-Length"])) == (200, len(film()))


def test_comments_are_limited_by_address_and_link_and_in_number(
    client: Client, link: ReviewLink, settings: LazySettings
) -> None:
    settings.REVIEW_COMMENTS = 2
    assert [say(client, link, text=str(n)).status_code for n in range(3)] == [303, 303, 422]
    settings.REVIEW_COMMENTS, settings.RATE_REVIEWS = 100, (1, 60)
    codes = [say(client, link, text=t).status_code for t in ("d", "e")]
    elsewhere = client.post(
        url(link), {"name": "Rea", "text": "f", "at": "0"}, REMOTE_ADDR="192.0.2.9"
    )
    assert (codes, elsewhere.status_code) == ([303, 429], 429)


def test_number_of_queries_does_not_grow(
    client: Client, page: Client, link: ReviewLink, django_assert_max_num_queries: Any
) -> None:
    for n in range(8):
        comments.add(link, NewComment("Rea", str(n), at=0.1))
    with django_assert_max_num_queries(5):
        client.get(url(link))
    for n in range(3):
        links.create(link.video, LinkOptions(str(n)))
    with django_assert_max_num_queries(16):
        page.get(reverse("video-reviews", args=[link.video_id]))


def test_owner_creates_reads_hides_and_ends(page: Client, client: Client, source: Video) -> None:
    address = reverse("video-reviews", args=[source.pk])
    assert address in page.get(reverse("video", args=[source.pk])).content.decode()
    for bad in ({"days": "91"}, {"days": "x"}, {"label": ""}, {"password": "abc"}):
        answer = page.post(address, {"label": "Client", "days": "7", **bad})
        assert (answer.status_code, ReviewLink.objects.count()) == (422, 0)
    assert page.post(address, {"label": "Client", "days": "7"}).status_code == 303
    link = ReviewLink.objects.get()
    say(client, link)
    comment = ReviewComment.objects.get()
    shown = page.get(address).content.decode()
    assert all(words in shown for words in ("Too dark", links.token_of(link), "Client"))
    change = reverse("review-comment", args=[comment.pk])
    assert page.post(change, {"to": "hidden"}).status_code == 303
    page.post(change, {"to": "resolved"})
    assert "Too dark" not in client.get(url(link)).content.decode()
    assert "Resolved" in page.get(address).content.decode()
    page.post(change, {"to": "shown"})
    assert "Too dark" in client.get(url(link)).content.decode()
    page.post(reverse("review-end", args=[link.pk]))
    assert client.get(url(link)).status_code == 404


def test_strangers_and_anonymous_reach_nothing_of_the_owner(
    client: Client, bob: User, link: ReviewLink
) -> None:
    comment = comments.add(link, NewComment("Rea", "x", at=0))
    pages = [reverse("video-reviews", args=[link.video_id])]
    posts = [reverse("review-end", args=[link.pk]), reverse("review-comment", args=[comment.pk])]
    assert [client.get(p).status_code for p in pages] == [302]
    assert [client.post(p).status_code for p in posts] == [302, 302]
    client.force_login(bob)
    assert [client.get(p).status_code for p in pages] == [404]
    assert [client.post(p).status_code for p in posts] == [404, 404]


def test_number_of_links_is_limited_and_unfinished_videos_have_none(
    alice: User, source: Video, link: ReviewLink, settings: LazySettings
) -> None:
    settings.REVIEW_LINKS = 1
    with pytest.raises(links.TooManyLinks):
        links.create(source, LinkOptions("b"))
    with pytest.raises(NotEditable):
        links.create(order(alice), LinkOptions("c"))
    assert ReviewLink.objects.count() == MediaJob.objects.count() == 1


def test_comments_of_some_minutes_are_one_mail(
    alice: User, link: ReviewLink, settings: LazySettings
) -> None:
    for n in range(10):
        comments.add(link, NewComment("Rea", f"No. {n}", at=0.1))
    assert mails.send_due() == 0
    settings.REVIEW_MAIL_WAIT = timedelta()
    assert (mails.send_due(), mails.send_due()) == (1, 0)
    assert ReviewComment.objects.filter(notified_at=None).count() == 0
    mails.set_enabled(alice, False)
    comments.add(link, NewComment("Rea", "Unheard", at=0.1))
    assert mails.send_due() == 0


def test_reviews_are_erased_with_the_account(
    alice: User, link: ReviewLink, make_edits: Callable[..., None]
) -> None:
    make_edits()
    name = previews.file_name(preview_of(link))
    comments.add(link, NewComment("Rea", "x", at=0))
    deletion.erase_account(alice)
    make_edits()
    assert (ReviewComment.objects.count(), default_storage.exists(name)) == (0, False)
