"""The task API orders, shows, lists, cancels and retries videos in its documented format."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import LazySettings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits as ledger_credits
from billing.ledger import invariants
from tests.videos.conftest import completed, failed, order, picture, reloaded, running, upload
from videos.jobs import orders, removal, state_machine
from videos.media import upload_urls, uploads
from videos.models import Upload, Video

TEXT, IMAGE = "/api/videos/text-to-video", "/api/videos/image-to-video"


def create(client: APIClient, address: str = TEXT, **body: Any) -> Any:
    return client.post(address, {"prompt": "A paper boat", **body}, format="json")


@pytest.fixture
def image(alice: User) -> str:
    """The address of an image alice has uploaded."""
    return upload_urls.url_of(uploads.store_image(alice, upload(picture())))


@pytest.fixture
def failed_video(alice: User) -> Video:
    return failed(order(alice))


# ---- ordering ----


@pytest.mark.parametrize(
    ("quality", "ratio", "credits", "made"),
    [
        ("standard", "landscape", 20, ("sora-2", "1280x720")),
        ("standard", "portrait", 20, ("sora-2", "720x1280")),
        ("hd", "landscape", 30, ("sora-2-pro", "1280x720")),
        ("hd", "portrait", 30, ("sora-2-pro", "720x1280")),
    ],
)
def test_text_to_video_orders_a_task(
    api: APIClient, alice: User, quality: str, ratio: str, credits: int, made: tuple[str, str]
) -> None:
    answer = create(api, quality=quality, aspect_ratio=ratio)
    video = Video.objects.get()
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "success": True,
            "task_id": str(video.pk),
            "message": "Text-to-video task created successfully. Credits deducted.",
            "credits_estimated": credits,
            "estimated_time": 180,
        },
    )
    assert ((video.model, video.size), video.seconds, video.operation) == (made, 8, "text")
    assert ledger_credits.available(alice) == 100 - credits


@pytest.mark.parametrize(("quality", "credits"), [("standard", 25), ("hd", 35)])
def test_image_to_video_orders_a_task(
    api: APIClient, alice: User, image: str, quality: str, credits: int
) -> None:
    answer = create(api, IMAGE, image_urls=[image], quality=quality)
    video = Video.objects.get()
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "success": True,
            "task_id": str(video.pk),
            "message": "Image-to-video task created successfully. Credits deducted.",
            "credits_estimated": credits,
            "estimated_time": 180,
        },
    )
    assert (video.first_image, video.operation) == (Upload.objects.get(), "image")
    assert ledger_credits.available(alice) == 100 - credits


def test_image_to_video_uses_the_first_image_when_there_are_several(
    api: APIClient, alice: User
) -> None:
    kept = [uploads.store_image(alice, upload(picture())) for _ in range(3)]
    assert (
        create(api, IMAGE, image_urls=[upload_urls.url_of(one) for one in kept]).status_code == 200
    )
    assert Video.objects.get().first_image == kept[0]


@pytest.mark.parametrize("prompt", ["x", "x" * 5000, "夕日" * 2500])
def test_text_to_video_takes_a_prompt_of_every_allowed_length(api: APIClient, prompt: str) -> None:
    assert create(api, prompt=prompt).status_code == 200


@pytest.mark.parametrize("address", [TEXT, IMAGE])
@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"prompt": None}, ["prompt"]),
        ({"prompt": ""}, ["prompt"]),
        ({"prompt": "x" * 5001}, ["prompt"]),
        ({"prompt": ["x"]}, ["prompt"]),
        ({"prompt": "a\x00b"}, ["prompt"]),
        ({"aspect_ratio": "square"}, ["aspect_ratio"]),
        ({"quality": "4k"}, ["quality"]),
        ({"quality": {}}, ["quality"]),
        ({"webhook_url": 5}, ["webhook_url"]),
        ({"webhook_url": []}, ["webhook_url"]),
    ],
)
def test_create_task_is_422_and_names_the_field_when_it_is_invalid(
    api: APIClient, alice: User, image: str, address: str, body: Any, error: list[str]
) -> None:
    answer = create(api, address, **{"image_urls": [image], **body})
    assert answer.status_code == 422
    assert [item["loc"] for item in answer.json()["detail"]] == [["body", *error]]
    assert (Video.objects.count(), ledger_credits.available(alice)) == (0, 100)


def test_create_task_answers_the_documented_422_when_the_prompt_is_missing(api: APIClient) -> None:
    answer = api.post(TEXT, {}, format="json")
    assert (answer.status_code, answer.json()) == (
        422,
        {
            "detail": [
                {
                    "loc": ["body", "prompt"],
                    "msg": "field required",
                    "type": "value_error.missing",
                }
            ]
        },
    )


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b'{"prompt": 1e400}',
        b'{"prompt": "\\ud800"}',
        b"[" * 9000,
        b"\xff",
    ],
)
@pytest.mark.parametrize("address", [TEXT, IMAGE])
def test_create_task_is_refused_when_the_body_is_hostile(
    api: APIClient, address: str, body: bytes
) -> None:
    answer = api.post(address, body, content_type="application/json")
    assert answer.status_code in {400, 422}
    assert list(answer.json()) == ["detail"]


def test_create_task_answers_the_documented_402_when_credits_are_too_few(
    api: APIClient, alice: User
) -> None:
    ledger_credits.spend(alice, 95, "test:spend")
    answer = create(api)
    sentence = "Insufficient credits. You need 20 credits but only have 5 available."
    assert (answer.status_code, answer.json()) == (402, {"detail": sentence})
    assert (Video.objects.count(), invariants.problems()) == (0, [])


# ---- image_urls ----

UPLOAD_FIRST = {
    "detail": "Upload the file first: images are given by their own file_url addresses.",
    "code": "bad_image_url",
}


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,iVBORw0KGgo=",
        "blob:http://127.0.0.1:8000/1c2d",
        "iVBORw0KGgoAAAANSUhEUgAA",
        "https://oss.example.com/image1.jpg",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "/api/videos/uploads/{id}",
        "https://evil.example.com/api/videos/uploads/{id}",
        "{base}@evil.example.com/api/videos/uploads/{id}",
        "{base}.evil.example.com/api/videos/uploads/{id}",
        "{base}/api/videos/uploads/{id}?x=1",
        "{base}/api/videos/uploads/{id}/../{id}",
        "{base}/api/videos/uploads/{unknown}",
        "{base}/api/videos/uploads/------------------------------------",
        "{base}/api/videos/{id}",
    ],
)
def test_image_to_video_is_400_when_the_url_is_not_of_an_upload(
    api: APIClient, alice: User, image: str, settings: LazySettings, url: str
) -> None:
    one = str(Upload.objects.get().pk)
    bad = url.format(id=one, base=settings.BASE_URL, unknown=uuid4())
    for urls in ([bad], [image, bad]):
        answer = create(api, IMAGE, image_urls=urls)
        assert (answer.status_code, answer.json()) == (400, UPLOAD_FIRST)
    assert (Video.objects.count(), ledger_credits.available(alice)) == (0, 100)


def test_image_to_video_is_400_when_the_image_belongs_to_another_user(
    stranger: APIClient, image: str
) -> None:
    answer = create(stranger, IMAGE, image_urls=[image])
    assert (answer.status_code, answer.json()) == (400, UPLOAD_FIRST)


@pytest.mark.parametrize("fields", [{"kind": "video"}, {"stored": False}])
def test_image_to_video_is_400_when_the_upload_is_not_stored_or_no_image(
    api: APIClient, image: str, fields: dict[str, Any]
) -> None:
    Upload.objects.update(**fields)
    assert create(api, IMAGE, image_urls=[image]).json() == UPLOAD_FIRST


@pytest.mark.parametrize(
    ("urls", "loc"),
    [
        ([], ["image_urls"]),
        ("x", ["image_urls"]),
        (None, ["image_urls"]),
        ({"0": "x"}, ["image_urls"]),
        (["x"] * 11, ["image_urls"]),
        ([""], ["image_urls", 0]),
        ([{}], ["image_urls", 0]),
        (["a\x00"], ["image_urls", 0]),
    ],
)
def test_image_to_video_is_422_when_image_urls_is_no_list_of_urls(
    api: APIClient, urls: Any, loc: list[Any]
) -> None:
    answer = create(api, IMAGE, image_urls=urls)
    assert answer.status_code == 422
    assert [item["loc"] for item in answer.json()["detail"]] == [["body", *loc]]


# ---- webhook_url ----


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook",
        "https://example.com:8443/hook?task=1#done",
        "http://example.com:80/hook",
        "https://example.com/" + "x" * 2028,
    ],
)
def test_webhook_url_is_kept_by_a_task_and_its_retry(api: APIClient, alice: User, url: str) -> None:
    first = Video.objects.get(pk=create(api, webhook_url=url).json()["task_id"])
    again = api.post(f"/api/tasks/{failed(first).pk}/retry").json()
    assert (first.webhook_url, Video.objects.get(pk=again["task_id"]).webhook_url) == (url, url)


@pytest.mark.parametrize("url", [None, ""])
def test_no_webhook_is_stored_when_webhook_url_is_empty(api: APIClient, url: object) -> None:
    assert create(api, webhook_url=url).status_code == 200
    assert Video.objects.get().webhook_url == ""


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "javascript:alert(1)",
        "example.com/hook",
        "//example.com/hook",
        "https://",
        "https:///hook",
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "https://example.com:22/",
        "https://user:pass@example.com/",
        "https://user@example.com/",
        "https://@example.com/",
        "https://example.com:port/",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com/\\evil",
        "https://example.com/\r\nX: y",
        "https://[::1/",
        "https://ex\u0430mple.com/",
        "https://example.com/" + "x" * 2029,
    ],
)
def test_create_task_is_422_when_webhook_url_cannot_be_called(api: APIClient, url: str) -> None:
    answer = create(api, webhook_url=url)
    assert answer.status_code == 422
    assert [item["loc"] for item in answer.json()["detail"]] == [["body", "webhook_url"]]
    assert Video.objects.count() == 0


def test_create_task_is_422_when_webhook_url_is_http_and_only_https_is_allowed(
    api: APIClient, settings: LazySettings
) -> None:
    settings.WEBHOOK_SCHEMES = ["https"]
    codes = [create(api, webhook_url=f"{s}://example.com/").status_code for s in ("http", "https")]
    assert codes == [422, 200]


# ---- watching ----


def test_each_address_shows_a_waiting_task_in_its_own_words(api: APIClient, alice: User) -> None:
    video = order(alice)
    assert api.get(f"/api/videos/tasks/{video.pk}").json() == {
        "task_id": str(video.pk),
        "status": "PENDING",
        "progress": 0.0,
        "result_url": None,
        "error_message": None,
        "created_at": f"{video.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{video.updated_at:%Y-%m-%dT%H:%M:%SZ}",
        "completed_at": None,
    }
    assert api.get(f"/api/tasks/{video.pk}").json() == {
        "task_id": str(video.pk),
        "user_id": str(alice.pk),
        "task_type": "TEXT_TO_VIDEO",
        "status": "pending",
        "progress": 0.0,
        "result_url": None,
        "error_message": None,
        "created_at": f"{video.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{video.updated_at:%Y-%m-%dT%H:%M:%SZ}",
        "completed_at": None,
    }


def videos_in_every_state(alice: User, mp4: bytes) -> dict[str, Video]:
    stopped, late = order(alice), running(order(alice))
    state_machine.cancel(stopped)
    state_machine.end(late, Video.Status.TIMEOUT, code="timeout", fenced=False)
    ledger_credits.grant(alice, 500, ledger_credits.Kind.BONUS, "test:more", expires_at=None)
    return {
        "queued": order(alice),
        "running": running(order(alice), progress=45.5),
        "succeeded": completed(order(alice), mp4),
        "failed": failed(order(alice)),
        "cancelled": reloaded(stopped),
        "timeout": reloaded(late),
    }


SLOW = "The engine took too long. The cause was not your prompt."


def test_task_shows_status_and_error_message_of_every_state(
    api: APIClient, alice: User, mp4: bytes
) -> None:
    shown = {}
    for name, video in videos_in_every_state(alice, mp4).items():
        first = api.get(f"/api/videos/tasks/{video.pk}").json()
        second = api.get(f"/api/tasks/{video.pk}").json()
        shown[name] = (first["status"], second["status"], first["progress"], first["error_message"])
        assert (first["error_message"], first["result_url"]) == (
            second["error_message"],
            second["result_url"],
        )
        assert bool(first["result_url"]) == (name == "succeeded")
        assert bool(first["completed_at"]) == (not video.is_active)
    assert shown == {
        "queued": ("PENDING", "pending", 0.0, None),
        "running": ("PROCESSING", "processing", 45.5, None),
        "succeeded": ("SUCCEEDED", "completed", 100.0, None),
        "failed": (
            "FAILED",
            "failed",
            0.0,
            "The engine stopped. The cause was not your prompt.",
        ),
        "cancelled": ("FAILED", "failed", 0.0, "You cancelled this."),
        "timeout": ("FAILED", "failed", 0.0, SLOW),
    }


def test_task_progress_is_a_float(api: APIClient, alice: User) -> None:
    address = f"/api/videos/tasks/{order(alice).pk}"
    assert b'"progress":0.0,' in api.get(address).content


def test_task_type_is_image_to_video_when_ordered_with_an_image(
    api: APIClient, image: str, alice: User, mp4: bytes
) -> None:
    task_id = create(api, IMAGE, image_urls=[image]).json()["task_id"]
    remix = orders.remix(completed(order(alice), mp4), "At night")
    kinds = [api.get(f"/api/tasks/{one}").json()["task_type"] for one in (task_id, remix.pk)]
    assert kinds == ["IMAGE_TO_VIDEO", "TEXT_TO_VIDEO"]


@pytest.mark.parametrize("address", ["/api/videos/tasks/{}", "/api/tasks/{}"])
def test_reading_a_task_polls_the_engine_at_once(api: APIClient, alice: User, address: str) -> None:
    video = running(order(alice))
    Video.objects.filter(pk=video.pk).update(next_step_at=timezone.now() + timedelta(hours=1))
    api.get(address.format(video.pk))
    due = reloaded(video).next_step_at
    assert due
    assert due <= timezone.now()


# ---- the list ----


def list_tasks(client: APIClient, query: str = "") -> Any:
    return client.get(f"/api/tasks/user/tasks{query}").json()


def test_task_pages_list_every_task_once_newest_first(api: APIClient, alice: User) -> None:
    made = [str(order(alice, str(n)).pk) for n in range(5)][::-1]
    pages = [list_tasks(api, f"?page={n}&page_size=2") for n in (1, 2, 3, 4)]
    assert [[task["task_id"] for task in page["tasks"]] for page in pages] == [
        made[:2],
        made[2:4],
        made[4:],
        [],
    ]
    assert [(p["total"], p["page"], p["page_size"]) for p in pages] == [
        (5, n, 2) for n in (1, 2, 3, 4)
    ]


def test_task_list_shows_ten_tasks_as_their_detail_does(api: APIClient, alice: User) -> None:
    ledger_credits.grant(alice, 500, ledger_credits.Kind.BONUS, "test:more", expires_at=None)
    video = [order(alice, str(n)) for n in range(11)][-1]
    body = list_tasks(api)
    assert (len(body["tasks"]), body["total"], body["page_size"]) == (10, 11, 10)
    assert body["tasks"][0] == api.get(f"/api/tasks/{video.pk}").json()


def test_task_list_is_empty_when_the_user_has_no_tasks(api: APIClient) -> None:
    assert list_tasks(api) == {"tasks": [], "total": 0, "page": 1, "page_size": 10}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["pending", "PENDING", "queued", "submit_unknown"], ["queued"]),
        (["processing", "PROCESSING", "in_progress", "running"], ["running"]),
        (["completed", "SUCCEEDED", "succeeded", "success"], ["succeeded"]),
        (["failed", "FAILED", "fail"], ["cancelled", "failed", "timeout"]),
        (["cancelled", "CANCELLED"], ["cancelled"]),
        (["timeout", "TIMEOUT"], ["timeout"]),
        (["waiting"], ["queued", "running"]),
    ],
)
def test_task_list_filters_by_status_in_any_spelling(
    api: APIClient, alice: User, mp4: bytes, words: list[str], names: list[str]
) -> None:
    made = {str(video.pk): name for name, video in videos_in_every_state(alice, mp4).items()}
    for word in words:
        found = sorted(
            made[task["task_id"]] for task in list_tasks(api, f"?status={word}")["tasks"]
        )
        wanted = [] if word == "submit_unknown" else names
        assert (word, found) == (word, wanted)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=10001", "page"),
        ("page=last", "page"),
        ("page=%00", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page_size=1e9", "page_size"),
        ("status=burning", "status"),
        ("status=%00", "status"),
        ("status=" + "x" * 5000, "status"),
    ],
)
def test_task_list_is_422_and_names_the_parameter_when_it_is_out_of_range(
    api: APIClient, query: str, field: str
) -> None:
    answer = api.get(f"/api/tasks/user/tasks?{query}")
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["detail"]] == [["query", field]]


@pytest.mark.parametrize("size", [1, 100])
def test_task_list_takes_three_queries_for_any_number_of_tasks(
    api: APIClient, alice: User, django_assert_num_queries: DjangoAssertNumQueries, size: int
) -> None:
    for n in range(5):
        order(alice, str(n))
    with django_assert_num_queries(3):  # the session, the page, the count
        list_tasks(api, f"?page_size={size}")


def test_task_list_has_no_tasks_of_other_users_and_no_deleted_ones(
    api: APIClient, alice: User, bob: User
) -> None:
    order(bob)
    removal.delete(order(alice))
    video = order(alice)
    body = list_tasks(api)
    assert ([task["task_id"] for task in body["tasks"]], body["total"]) == ([str(video.pk)], 1)


# ---- cancelling and trying again ----


@pytest.mark.parametrize("state", [order, lambda user: running(order(user))])
def test_cancel_refunds_the_task_when_it_has_not_ended(
    api: APIClient, alice: User, state: Any
) -> None:
    video = state(alice)
    answer = api.delete(f"/api/tasks/{video.pk}")
    assert (answer.status_code, answer.json()) == (200, {"message": "Task cancelled successfully"})
    assert (reloaded(video).status, ledger_credits.available(alice)) == ("cancelled", 100)
    assert api.get(f"/api/tasks/{video.pk}").json()["status"] == "failed"


def test_cancel_is_400_when_the_task_has_ended(api: APIClient, alice: User, mp4: bytes) -> None:
    for video in (completed(order(alice), mp4), failed(order(alice))):
        answer = api.delete(f"/api/tasks/{video.pk}")
        assert (answer.status_code, answer.json()) == (
            400,
            {"detail": "Cannot cancel task with current status", "code": "not_possible"},
        )
    assert ledger_credits.available(alice) == 80


def test_retry_orders_the_task_again_when_it_failed(
    api: APIClient, alice: User, image: str
) -> None:
    made = create(api, IMAGE, image_urls=[image], quality="hd", aspect_ratio="portrait").json()
    first = failed(Video.objects.get(pk=made["task_id"]))
    answer = api.post(f"/api/tasks/{first.pk}/retry")
    new = Video.objects.exclude(pk=first.pk).get()
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "message": "Task retry initiated",
            "task_id": str(new.pk),
            "original_task_id": str(first.pk),
        },
    )
    same = ("operation", "prompt", "model", "size", "seconds", "first_image_id", "credits")
    assert [getattr(new, name) for name in same] == [getattr(first, name) for name in same]
    assert (new.retry_of, ledger_credits.available(alice)) == (first, 65)


def test_retry_is_400_when_the_task_has_not_failed(api: APIClient, alice: User, mp4: bytes) -> None:
    for video in (order(alice), running(order(alice)), completed(order(alice), mp4)):
        answer = api.post(f"/api/tasks/{video.pk}/retry")
        assert (answer.status_code, answer.json()) == (
            400,
            {"detail": "Task cannot be retried", "code": "not_possible"},
        )
    assert Video.objects.count() == 3


def test_retry_is_402_when_credits_are_too_few(
    api: APIClient, alice: User, failed_video: Video
) -> None:
    ledger_credits.spend(alice, 90, "test:spend")
    answer = api.post(f"/api/tasks/{failed_video.pk}/retry")
    sentence = "Insufficient credits. You need 20 credits but only have 10 available."
    assert (answer.status_code, answer.json()) == (402, {"detail": sentence})
    assert Video.objects.count() == 1


# ---- who may ----

DOORS = [
    ("get", "/api/videos/tasks/{}"),
    ("get", "/api/tasks/{}"),
    ("delete", "/api/tasks/{}"),
    ("post", "/api/tasks/{}/retry"),
]


@pytest.mark.parametrize(("method", "address"), DOORS)
def test_task_answers_another_user_like_an_unknown_id(
    stranger: APIClient, failed_video: Video, method: str, address: str
) -> None:
    call = getattr(stranger, method)
    his, unknown = call(address.format(failed_video.pk)), call(address.format(uuid4()))
    assert (his.status_code, his.json()) == (404, {"detail": "Resource not found"})
    assert his.content == unknown.content
    assert Video.objects.count() == 1


@pytest.mark.parametrize(("method", "address"), DOORS)
@pytest.mark.parametrize("word", ["abc", "1", "video_1", "%00", "x" * 500])
def test_task_is_404_in_json_when_the_path_has_no_id(
    api: APIClient, method: str, address: str, word: str
) -> None:
    answer = getattr(api, method)(address.format(word))
    assert (answer.status_code, answer.json()) == (404, {"detail": "Resource not found"})


@pytest.mark.parametrize(
    ("method", "address"),
    [*DOORS, ("post", TEXT), ("post", IMAGE), ("get", "/api/tasks/user/tasks")],
)
def test_tasks_are_401_when_anonymous(
    anonymous: APIClient, failed_video: Video, method: str, address: str
) -> None:
    answer = getattr(anonymous, method)(address.format(failed_video.pk))
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})
    assert Video.objects.count() == 1


def test_task_times_are_iso_with_whole_seconds(api: APIClient, alice: User) -> None:
    video = order(alice)
    shown = api.get(f"/api/tasks/{video.pk}").json()["created_at"]
    assert shown == video.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert UUID(api.get(f"/api/tasks/{video.pk}").json()["task_id"]) == video.pk
