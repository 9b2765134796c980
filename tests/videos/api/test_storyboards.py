"""/api/storyboards."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from tests.videos.conftest import photo, upload
from tests.videos.storyboards.conftest import board_of, make_takes, shots_of
from videos.media import upload_urls, uploads
from videos.models import MediaJob, Shot, Storyboard, Video
from videos.storyboards import shots

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/api/storyboards"


def send(api: APIClient, method: str, path: str = "", body: Any = None, **headers: str) -> Any:
    return api.generic(method, PATH + path, *_json(body), headers=headers)


def _json(body: Any) -> tuple[str, str]:
    return json.dumps({} if body is None else body), "application/json"


def test_storyboard_is_planned_generated_and_joined(api: APIClient, alice: User) -> None:
    made = send(api, "POST", body={"title": "Harbour", "style": "grain"})
    assert (made.status_code, made.json()["shots"], made.json()["film"]) == (201, [], None)
    path = f"/{made.json()['id']}"
    image = upload_urls.url_of(uploads.store_image(alice, upload(photo())))
    send(api, "POST", f"{path}/shots", {"prompt": "a", "seconds": 4, "first_image_url": image})
    added = send(api, "POST", f"{path}/shots", {"prompt": "b", "seconds": 4, "continues": True})
    first, second = added.json()["shots"]
    assert (added.status_code, added.json()["credits"], added.json()["shot_count"]) == (201, 25, 2)
    assert (first["first_image_url"], first["credits"], first["obstacle"]) == (image, 25, None)
    assert (second["continues"], second["waits_for"], second["takes"]) == (True, 1, [])
    dry = send(api, "POST", f"{path}/generate", {"dry_run": True})
    assert (dry.status_code, dry.json()) == (
        200,
        {
            "shots": [{"id": first["id"], "position": 1, "credits": 25}],
            "left_out": [{"id": second["id"], "position": 2, "reason": "Shot 2 waits for shot 1."}],
            "credits": 25,
            "available": 100,
            "available_after": 75,
        },
    )
    key = {"Idempotency-Key": "once"}
    answers = [send(api, "POST", f"{path}/generate", {"max_credits": 25}, **key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1]["Idempotent-Replayed"] == "true"
    (video,) = answers[0].json()["videos"]
    assert (video["prompt"], answers[0].json()["credits"]) == ("a\ngrain", 25)
    assert (Video.objects.count(), credits.available(alice)) == (1, 75)


def test_film_is_ordered_and_named_by_the_storyboard(api: APIClient, alice: User) -> None:
    board = board_of(alice, "a", "b")
    first, second = make_takes(board)
    film = send(api, "POST", f"/{board.pk}/film", {"crossfade": 0.25})
    assert (film.status_code, film.json()["videos"]) == (201, [str(first.pk), str(second.pk)])
    assert film.json()["recipe"]["join"] == {"fit": "bars", "crossfade": 0.25}
    assert send(api, "GET", f"/{board.pk}").json()["film"] == film.json()
    again = send(api, "POST", f"/{board.pk}/film", {})
    assert (again.status_code, again.json()["code"]) == (400, "not_possible")
    assert MediaJob.objects.count() == 1


def test_shots_are_changed_moved_picked_and_deleted(api: APIClient, alice: User) -> None:
    board = board_of(alice, "a", "b")
    one, two = shots_of(board)
    (older,) = make_takes(board, one)
    (newer,) = make_takes(board, one)
    path = f"/{board.pk}/shots"
    changed = send(
        api, "PATCH", f"{path}/{one.pk}",
        {"prompt": "c", "seconds": None, "position": 2, "picked": str(older.pk)},
    )  # fmt: skip
    assert changed.status_code == 200
    shown = [(s["prompt"], s["position"], s["seconds"]) for s in changed.json()["shots"]]
    assert shown == [("b", 1, 4), ("c", 2, None)]
    moved = changed.json()["shots"][1]
    assert moved["picked"] == str(older.pk)
    assert [(t["video_id"], t["status"]) for t in moved["takes"]] == [
        (str(newer.pk), "completed"),
        (str(older.pk), "completed"),
    ]
    refused = send(api, "PATCH", f"{path}/{two.pk}", {"prompt": "lost", "picked": str(older.pk)})
    assert (refused.status_code, Shot.objects.get(pk=two.pk).prompt) == (400, "b")
    assert send(api, "DELETE", f"{path}/{two.pk}").status_code == 204
    assert [s["position"] for s in send(api, "GET", f"/{board.pk}").json()["shots"]] == [1]
    patched = send(api, "PATCH", f"/{board.pk}", {"title": "Sea", "size": "720x1280"})
    assert (patched.json()["title"], patched.json()["size"]) == ("Sea", "720x1280")
    assert send(api, "DELETE", f"/{board.pk}").status_code == 204
    assert send(api, "GET").json() == {"storyboards": []}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("POST", "", {}, 422, None),
        ("POST", "", {"title": "x", "style": "y" * 401}, 422, None),
        ("POST", "", {"title": "x", "model": "nonsense"}, 400, "not_offered"),
        ("PATCH", "/{board}", {"size": "1x1"}, 400, "not_offered"),
        ("POST", "/{board}/shots", {"prompt": " "}, 422, None),
        ("POST", "/{board}/shots", {"prompt": "x", "seconds": 7}, 400, "not_offered"),
        ("POST", "/{board}/shots", {"prompt": "x", "first_image_url": "https://x/"}, 400,
         "bad_image_url"),
        ("POST", "/{board}/shots", {"prompt": "x", "first_image_url": "a", "continues": True}, 422,
         None),
        ("PATCH", "/{board}/shots/{shot}", {"position": 0}, 422, None),
        ("PATCH", "/{board}/shots/{shot}", {"picked": "nonsense"}, 422, None),
        ("PATCH", "/{board}/shots/{shot}", {"picked": str(uuid4())}, 400, "not_possible"),
        ("POST", "/{board}/generate", {"shots": []}, 422, None),
        ("POST", "/{board}/generate", {"shots": [str(uuid4())]}, 400, "not_possible"),
        ("POST", "/{board}/generate", {"max_credits": 19}, 409, "price_changed"),
        ("POST", "/{board}/film", {"crossfade": 9}, 422, None),
        ("POST", "/{board}/film", {}, 400, "not_possible"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_and_changes_nothing(
    api: APIClient, alice: User, method: str, path: str, body: Any, status: int, code: str | None
) -> None:
    board = board_of(alice, "a")
    (shot,) = shots_of(board)
    answer = send(api, method, path.format(board=board.pk, shot=shot.pk), body)
    assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert (Storyboard.objects.count(), Shot.objects.count(), Video.objects.count()) == (1, 1, 0)
    assert credits.available(alice) == 100


def test_too_few_credits_are_402_and_the_limit_of_batches_429(
    api: APIClient, alice: User, settings: LazySettings
) -> None:
    board = board_of(alice, *"abcdef")
    assert send(api, "POST", f"/{board.pk}/generate").status_code == 402
    settings.RATE_BATCH = (5, 600)
    assert send(api, "POST", f"/{board.pk}/generate").status_code == 429
    assert Video.objects.count() == 0


def test_strangers_find_nothing(stranger: APIClient, alice: User) -> None:
    board = board_of(alice, "a")
    (shot,) = shots_of(board)
    calls = [
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/shots"),
        ("PATCH", f"/shots/{shot.pk}"), ("DELETE", f"/shots/{shot.pk}"), ("POST", "/generate"),
        ("POST", "/film"),
    ]  # fmt: skip
    codes = {send(stranger, method, f"/{board.pk}{path}").status_code for method, path in calls}
    assert (codes, send(stranger, "GET").json()) == ({404}, {"storyboards": []})
    own = send(stranger, "POST", body={"title": "x"}).json()["id"]
    assert send(stranger, "PATCH", f"/{own}/shots/{shot.pk}", {}).status_code == 404


def test_lists_need_as_many_queries_for_many_shots(
    api: APIClient, alice: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    board = board_of(alice, "a", "b")
    make_takes(board)
    send(api, "POST", f"/{board.pk}/film")
    send(api, "GET")
    for _ in range(2):
        with django_assert_num_queries(2):
            send(api, "GET")
        with django_assert_num_queries(7):
            send(api, "GET", f"/{board.pk}")
        make_takes(board_of(alice, "c"))
        shots.add(board, {"prompt": "d"})
