"""Which calls of the API need no sign-in; the list is written out on purpose."""

from uuid import uuid4

from rest_framework.test import APIClient

from tests.config.api.test_limits_of_calls import counted_calls

PUBLIC = {
    "POST /api/auth/register",
    "POST /api/auth/login",
    "POST /api/auth/google/login",
    "POST /api/auth/refresh",
    "POST /api/auth/test/login",
    "GET /api/payments/packages",
    "GET /api/models",
    "GET /api/exports/formats",
    "POST /api/verify",
    "GET /api/showcase/videos",
    "GET /api/showcase/videos/{clip_id}",
    "GET /api/schema",
    "GET /api/docs",
    "GET /api/redoc",
}


def test_every_other_call_is_401_when_anonymous(anonymous: APIClient, db: None) -> None:
    private = sorted(counted_calls().keys() - PUBLIC)
    assert len(private) > 40
    wrong = APIClient(headers={"Authorization": "Bearer wrong"})
    for call in private:
        method, path = (
            call.replace("{clip_id}", "1")
            .replace("{prompt_id}", "1")
            .replace("{comment_id}", "1")
            .split()
        )
        for name in (
            "video_id",
            "payment_id",
            "key_id",
            "upload_id",
            "delivery_id",
            "endpoint_id",
            "review_id",
            "model_id",
            "character_id",
            "edit_id",
            "board_id",
            "shot_id",
            "export_id",
        ):
            path = path.replace(f"{{{name}}}", str(uuid4()))
        for client in (anonymous, wrong):
            answer = client.generic(method, path, "{}", "application/json")
            assert (call, answer.status_code) == (call, 401)
