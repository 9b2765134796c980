"""Which limit counts each call of the API; the table is written out on purpose."""

import re
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.urls import URLPattern, get_resolver
from rest_framework.test import APIClient

from accounts.models import User
from config.api.throttling import limit_of
from config.lib import rate_limits

# Calls that are not here count as `other`.
LIMITS = {
    "POST /api/auth/register": "register",
    "POST /api/auth/login": "login",
    "POST /api/auth/google/login": "auth",
    "POST /api/auth/refresh": "auth",
    "POST /api/auth/test/login": "auth",
    "POST /api/auth/password": "auth",
    "DELETE /api/users/account": "auth",
    "GET /api/users/export": "auth",
    "POST /api/videos": "generate",
    "POST /api/videos/create": "generate",
    "POST /api/videos/remix": "generate",
    "POST /api/videos/remix/{video_id}": "generate",
    "POST /api/videos/text-to-video": "generate",
    "POST /api/videos/image-to-video": "generate",
    "POST /api/videos/{video_id}/remix": "generate",
    "POST /api/videos/{video_id}/edits": "generate",
    "POST /api/videos/{video_id}/exports": "generate",
    "POST /api/edits/{edit_id}/retry": "generate",
    "POST /api/storyboards/{board_id}/film": "generate",
    "POST /api/tasks/{video_id}/retry": "generate",
    "POST /api/videos/upload": "upload",
    "POST /api/prompts/improve": "prompt_help",
    "GET /api/videos/tasks/{video_id}": "tasks",
    "GET /api/tasks/{video_id}": "tasks",
    "GET /api/tasks/user/tasks": "tasks",
    "GET /api/events": "events",
    "POST /v1/videos": "generate",
    "POST /v1/videos/edits": "generate",
    "POST /v1/videos/extensions": "generate",
    "POST /v1/videos/{video_id}/remix": "generate",
    "GET /v1/videos": "tasks",
    "GET /v1/videos/characters/{character_id}": "tasks",
    "GET /v1/videos/{video_id}": "tasks",
    "GET /v1/videos/{video_id}/content": "tasks",
    "GET /v1/models": "tasks",
    "GET /v1/models/{model_id}": "tasks",
}
ORDERS = [call for call, limit in LIMITS.items() if limit == "generate"]
QUERIES = [call for call, limit in LIMITS.items() if limit == "tasks"]


def counted_calls() -> dict[str, str]:
    """Return the limit of every call of the API that is counted."""
    found: dict[str, str] = {}
    for pattern in get_resolver().url_patterns:
        view = getattr(getattr(pattern, "callback", None), "view_class", None)
        path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if (
            not isinstance(pattern, URLPattern)
            or view is None
            or not path.startswith(("/api/", "/v1/"))
        ):
            continue
        methods = [method for method in ("get", "post", "put", "delete") if hasattr(view, method)]
        found |= {f"{m.upper()} {path}": limit_of(view, m.upper()) for m in methods}
    return found


def test_each_call_counts_against_its_own_limit() -> None:
    calls = counted_calls()
    assert len(calls) > 40
    assert {call: limit for call, limit in calls.items() if limit != "other"} == LIMITS


@pytest.mark.parametrize(
    ("setting", "call"),
    [("RATE_GENERATE", call) for call in ORDERS] + [("RATE_TASKS", call) for call in QUERIES],
)
def test_call_is_refused_when_its_limit_is_used_up(
    api: APIClient, alice: User, settings: LazySettings, setting: str, call: str
) -> None:
    setattr(settings, setting, (1, 60))
    if settings.REDIS_URL:
        rate_limits._redis().flushdb()
    method, path = re.sub(r"{\w+}", str(uuid4()), call).split()
    codes = [api.generic(method, path, "{}", "application/json").status_code for _ in range(2)]
    assert (codes[0] in {200, 400, 404, 422, 501}, codes[1]) == (True, 429)
