"""/api/videos/{id}/exports and /api/exports."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from tests.videos.credentials.test_stored_videos import sent
from tests.videos.editing.conftest import finished, fresh, make_edits
from tests.videos.exports.conftest import exported
from videos.models import MediaExport, MediaJob, Video

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["make_edits"]


@pytest.fixture
def source(alice: User) -> Video:
    return finished(alice)


def post(api: APIClient, path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    return api.post(path, body or {}, format="json", headers=headers)


def export(api: APIClient, video: Video, **body: Any) -> Any:
    return post(api, f"/api/videos/{video.pk}/exports", body)


def test_export_is_ordered_made_and_downloaded_in_ranges(
    api: APIClient, source: Video, make_edits: Callable[..., None], settings: LazySettings
) -> None:
    settings.CONTENT_CREDENTIALS = True
    answer = export(api, source, format="webm")
    assert answer.status_code == 201
    found = answer.json()
    wanted = {
        "status": "queued", "video_id": str(source.pk), "format": "webm", "fit": None,
        "position": None, "credits": 0, "file": None, "kept_until": None, "failure": None,
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    path = f"/api/exports/{found['id']}"
    assert api.get(f"{path}/content").status_code == 404
    make_edits()
    done = api.get(path).json()
    file = done["file"]
    assert (done["status"], done["progress"], done["kept_until"] - done["ended_at"]) == (
        "succeeded", 100, 7 * 86400,
    )  # fmt: skip
    assert (file["media_type"], file["width"], file["height"], file["credentials"]) == (
        "video/webm", 64, 48, "beside",
    )  # fmt: skip
    whole = api.get(file["url"])
    body = sent(whole)
    assert (len(body), whole["Content-Type"]) == (file["bytes"], "video/webm")
    assert file["name"] in whole["Content-Disposition"]
    part = api.get(file["url"], headers={"Range": "bytes=4-9"})
    assert (part.status_code, sent(part)) == (206, body[4:10])
    assert api.head(file["url"])["Content-Length"] == str(len(body))
    beside = api.get(file["credentials_url"])
    assert (beside.status_code, beside["Content-Type"]) == (200, "application/c2pa")
    assert f"{file['name']}.c2pa" in beside["Content-Disposition"]
    assert b"jumb" in sent(beside)
    assert api.get(f"{path}/content?variant=other").status_code == 422


def test_same_export_is_answered_with_the_one_there_is(api: APIClient, source: Video) -> None:
    answers = [export(api, source, format="square", fit="bars").json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert (answers[0]["fit"], answers[0]["position"]) == ("bars", 0.5)
    assert export(api, source, format="square").json()["id"] != answers[0]["id"]


@pytest.mark.parametrize(
    "body",
    [{}, {"format": "mpeg"}, {"format": "gif", "fit": "x"}, {"format": "gif", "position": 2},
    ],
)  # fmt: skip
def test_bad_export_is_answered_422_and_writes_nothing(
    body: dict[str, Any], api: APIClient, source: Video
) -> None:
    assert export(api, source, **body).status_code == 422
    assert MediaJob.objects.count() == 0


def test_formats_are_listed_for_anybody_and_what_is_off_is_refused(
    api: APIClient, anonymous: APIClient, source: Video, settings: LazySettings
) -> None:
    settings.EXPORT_FORMATS_OFF, settings.EXPORT_CREDITS = ["av1"], 2
    found = anonymous.get("/api/exports/formats").json()
    assert (found["credits"], found["kept_seconds"]) == (2, 7 * 86400)
    named = {form["name"]: form for form in found["formats"]}
    assert "av1" not in named
    assert named["vertical"]["aspect"] == "9:16"
    assert (named["gif"]["most_bytes"], named["mp4"]["most_bytes"]) == (10 * 1024**2, None)
    kinds = {name: named[name]["credentials"] for name in ("mp4", "webm", "png", "mp3")}
    assert kinds == {"mp4": "embedded", "webm": "beside", "png": "beside", "mp3": "embedded"}
    answer = export(api, source, format="av1")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        400, "not_editable", "format",
    )  # fmt: skip


def test_price_is_agreed_and_paid_once_for_an_idempotency_key(
    api: APIClient, source: Video, settings: LazySettings
) -> None:
    settings.EXPORT_CREDITS = 5
    had = credits.available(source.user)
    assert export(api, source, format="gif", max_credits=4).status_code == 409
    path = f"/api/videos/{source.pk}/exports"
    answers = [post(api, path, {"format": "gif"}, **{"Idempotency-Key": "k"}) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1]["Idempotent-Replayed"] == "true"
    assert (MediaJob.objects.count(), credits.available(source.user)) == (1, had - 5)
    assert post(api, path, {"format": "webp"}, **{"Idempotency-Key": "k"}).status_code == 409
    settings.EXPORT_CREDITS = 10_000
    assert export(api, source, format="webp").status_code == 402


def test_too_many_exports_are_answered_429(
    api: APIClient, source: Video, settings: LazySettings
) -> None:
    settings.EXPORTS_WAITING = 1
    assert export(api, source, format="gif").status_code == 201
    answer = export(api, source, format="webp")
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (
        429, "too_many_exports", "60",
    )  # fmt: skip


def test_export_is_cancelled_and_deleted(api: APIClient, source: Video) -> None:
    job = exported(source, "gif")
    path = f"/api/exports/{job.pk}"
    cancelled = post(api, f"{path}/cancel")
    assert (cancelled.status_code, cancelled.json()["failure"]) == (
        200, {"code": "cancelled", "message": "You cancelled this export.", "refunded": 0},
    )  # fmt: skip
    assert post(api, f"{path}/cancel").status_code == 400
    assert api.delete(path).status_code == 204
    assert [api.delete(path).status_code, api.get(path).status_code] == [404, 404]
    assert MediaExport.objects.get().removed_at is not None


def test_exports_are_private(
    api: APIClient, stranger: APIClient, anonymous: APIClient, source: Video
) -> None:
    job = exported(source, "gif")
    path = f"/api/exports/{job.pk}"
    for to in (f"/api/videos/{source.pk}/exports", f"{path}/cancel"):
        assert post(stranger, to, {"format": "gif"}).status_code == 404
        assert post(anonymous, to, {"format": "gif"}).status_code == 401
    for to in (path, f"{path}/content"):
        assert stranger.get(to).status_code == 404
        assert anonymous.get(to).status_code == 401
    assert [who.delete(path).status_code for who in (stranger, anonymous)] == [404, 401]
    assert stranger.get("/api/exports").json()["exports"] == []
    assert api.get(f"/api/exports/{uuid4()}").status_code == 404
    assert api.get(f"/api/edits/{job.pk}").status_code == 404
    assert fresh(job).status == "queued"


def test_list_of_exports_is_newest_first_and_costs_the_same_queries(
    api: APIClient, source: Video, django_assert_num_queries: Callable[..., Any]
) -> None:
    made = [exported(source, name) for name in ("gif", "webp", "sheet")]
    other = exported(finished(source.user), "gif")
    api.get("/api/exports")
    with django_assert_num_queries(3):
        page = api.get("/api/exports?limit=1").json()
    with django_assert_num_queries(3):
        whole = api.get("/api/exports").json()
    ids = [str(job.pk) for job in reversed([*made, other])]
    assert [each["id"] for each in whole["exports"]] == ids
    assert (page["total"], page["has_more"]) == (4, True)
    rest = api.get(f"/api/exports?after={page['last_id']}&status=queued").json()
    assert [each["id"] for each in rest["exports"]] == ids[1:]
    of_one = api.get(f"/api/exports?video_id={source.pk}").json()
    assert len(of_one["exports"]) == 3
