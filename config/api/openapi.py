"""The API's schema: every operation on one page, in the order a newcomer needs them.

What a door reads comes from its own serializers, what it answers from config.api.shapes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework.serializers import Serializer

from accounts.api import api_keys, auth, google, profile
from billing import api as billing
from config.api import shapes
from showcase import api as showcase
from videos.api import account, tasks, uploads, videos, webhooks

Body = type[Serializer]
FILE = OpenApiTypes.BINARY


@dataclass(frozen=True)
class Op:
    """One call: what it is for, what it reads, what it answers, and how it may be refused."""

    id: str
    summary: str
    answer: Body | None
    body: Body | None = None
    query: Body | None = None
    code: int = 200
    refusals: tuple[int, ...] = ()
    # A create that may be repeated under one Idempotency-Key.
    once: bool = False
    public: bool = False
    # Another address for the same; new clients should use that one.
    instead: str = ""
    example: Mapping[str, object] = field(default_factory=dict)


PROMPT = {"prompt": "A paper boat at dusk, slow dolly in"}
OPERATIONS: dict[str, Op] = {
    # accounts
    "POST /api/auth/register": Op(
        "register", "Open an account", shapes.SignedIn, auth.RegisterBody, code=201, public=True,
        example={"email": "ann@example.com", "password": "tin-lantern-9", "name": "Ann"},
    ),
    "POST /api/auth/login": Op(
        "login", "Sign in with a username or an address", shapes.SignedIn, auth.LoginBody,
        refusals=(401,), public=True, example={"username": "demo", "password": "demo-firstlight"},
    ),
    "POST /api/auth/google/login": Op(
        "google_login", "Sign in with Google's authorization code", shapes.Tokens,
        google.GoogleBody, refusals=(401, 403), public=True,
        example={"code": "4/0AX4XfWh"},
    ),
    "POST /api/auth/refresh": Op(
        "refresh", "Exchange a refresh token, once", shapes.Tokens, auth.RefreshBody,
        refusals=(401,), public=True, example={"refresh_token": "eyJ"},
    ),
    "POST /api/auth/logout": Op("logout", "End this sign-in", shapes.Message),
    "GET /api/auth/me": Op("me", "Who this token stands for", shapes.Me),
    "POST /api/auth/test/login": Op(
        "test_login", "Sign in a test user; never in production", shapes.Tokens,
        query=auth.TestLoginQuery, refusals=(403,), public=True,
    ),
    "GET /api/auth/profile": Op("auth_profile", "One's account, as system B says it",
                                shapes.AuthProfile),
    "POST /api/auth/password": Op(
        "change_password", "Change the password; other sign-ins end", shapes.Message,
        profile.PasswordBody, refusals=(400, 401, 403),
        example={"current_password": "demo-firstlight", "new_password": "tin-lantern-9"},
    ),
    "GET /api/users/profile": Op("profile", "One's profile", shapes.Profile),
    "PUT /api/users/profile": Op(
        "update_profile", "Change one's profile", shapes.Profile, profile.ProfileBody,
        refusals=(400, 403), example={"language": "en", "name": "Ann"},
    ),
    "DELETE /api/users/account": Op(
        "leave", "Leave; undone by staff for 30 days", shapes.Message, account.LeaveBody,
        refusals=(401, 403),
    ),
    "GET /api/users/export": Op("export", "All that is kept about one, as a ZIP", None,),
    "GET /api/users/api-keys": Op("list_keys", "One's API keys", shapes.ApiKeys),
    "POST /api/users/api-keys": Op(
        "create_key", "Make a key; shown this once", shapes.NewApiKey, api_keys.KeyBody, code=201,
        refusals=(400, 403), example={"name": "build server", "scopes": ["read", "generate"]},
    ),
    "DELETE /api/users/api-keys/{key_id}": Op("revoke_key", "Revoke a key", shapes.Done,
                                              refusals=(403,)),
    # videos, systems A and B
    "POST /api/videos": Op(
        "create_video", "Order a video", shapes.Video, videos.CreateBody, code=201,
        refusals=(400, 402, 409, 503), once=True, example={**PROMPT, "seconds": "8"},
    ),
    "GET /api/videos": Op("list_videos", "One's videos, newest first", shapes.Videos,
                          query=videos.ListQuery, refusals=(400,)),
    "GET /api/videos/{video_id}": Op("get_video", "One video", shapes.Video),
    "DELETE /api/videos/{video_id}": Op(
        "delete_video", "Delete a video; one still rendering is cancelled", shapes.Done),
    "GET /api/videos/{video_id}/content": Op(
        "get_content", "The MP4, its thumbnail or its spritesheet", None,
        query=videos.ContentQuery, refusals=(206, 304, 416)),
    "GET /api/videos/{video_id}/download": Op(
        "download", "The MP4, to be saved", None, refusals=(206, 304, 416)),
    "POST /api/videos/{video_id}/remix": Op(
        "remix_video", "A new version of a finished video", shapes.Video, videos.RemixBody,
        code=201, refusals=(400, 402, 409, 503), once=True,
        example={"prompt": "The same boat, at sunrise"},
    ),
    "POST /api/videos/create": Op(
        "create_video_b", "Order a video", shapes.AliasedVideo, videos.CreateBody, code=201,
        refusals=(400, 402, 409, 503), once=True, instead="POST /api/videos",
        example={**PROMPT, "seconds": 8},
    ),
    "GET /api/videos/status": Op("status_by_query", "One video as it stands",
                                 shapes.AliasedVideo, query=videos.StatusQuery, refusals=(404,),
                                 instead="GET /api/videos/{video_id}"),
    "GET /api/videos/status/{video_id}": Op(
        "status_by_path", "One video as it stands", shapes.AliasedVideo,
        instead="GET /api/videos/{video_id}"),
    "POST /api/videos/remix": Op(
        "remix_by_body", "A new version of a finished video", shapes.AliasedVideo,
        videos.RemixOf, code=201, refusals=(400, 402, 404, 409, 503), once=True,
        instead="POST /api/videos/{video_id}/remix",
    ),
    "POST /api/videos/remix/{video_id}": Op(
        "remix_by_path", "A new version of a finished video", shapes.AliasedVideo,
        videos.RemixBody, code=201, refusals=(400, 402, 409, 503), once=True,
        instead="POST /api/videos/{video_id}/remix",
    ),
    # uploads and tasks, system C
    "POST /api/videos/upload": Op(
        "upload", "Upload an image or a clip, 1 KB to 100 MB", shapes.Uploaded,
        uploads.UploadBody, refusals=(400, 403, 409), once=True,
    ),
    "GET /api/videos/uploads/{upload_id}": Op(
        "get_upload", "An uploaded file, to its owner", None, refusals=(206, 304, 416)),
    "POST /api/videos/text-to-video": Op(
        "text_to_video", "Order a video from words", shapes.NewTask, tasks.TextBody,
        refusals=(400, 402, 409, 503), once=True, example={**PROMPT, "quality": "standard"},
    ),
    "POST /api/videos/image-to-video": Op(
        "image_to_video", "Order a video that begins with an image", shapes.NewTask,
        tasks.ImageBody, refusals=(400, 402, 409, 503), once=True,
        example={**PROMPT, "image_urls": ["https://example.com/api/videos/uploads/0bea85fc"]},
    ),
    "GET /api/videos/tasks/{video_id}": Op("task_status", "How far a task is", shapes.TaskStatus),
    "GET /api/tasks/user/tasks": Op("list_tasks", "One's tasks, newest first", shapes.Tasks,
                                    query=tasks.TasksQuery),
    "GET /api/tasks/{video_id}": Op("get_task", "One task", shapes.Task),
    "DELETE /api/tasks/{video_id}": Op("cancel_task", "Cancel a task; its credits come back",
                                       shapes.Message, refusals=(400,)),
    "POST /api/tasks/{video_id}/retry": Op(
        "retry_task", "Order a failed task once more", shapes.RetriedTask,
        refusals=(400, 402, 409, 503), once=True),
    # credits and payments
    "GET /api/users/credits": Op("credits", "The balance and its totals", shapes.Credits),
    "GET /api/users/credits/transactions": Op(
        "transactions", "Where every credit went", shapes.Transactions,
        query=billing.TransactionsQuery, refusals=(400,)),
    "GET /api/payments/packages": Op("packages", "What can be bought", shapes.Packages,
                                     public=True),
    "POST /api/payments/stripe/create": Op(
        "create_payment", "Begin a purchase", shapes.NewPayment, billing.CreateBody,
        refusals=(400, 409), once=True, example={"package": "trial"},
    ),
    "GET /api/payments": Op("list_payments", "One's payments, newest first", shapes.Payments,
                            query=billing.PageQuery),
    "GET /api/payments/{payment_id}": Op("get_payment", "One payment", shapes.Payment),
    "POST /api/payments/stripe/refund": Op(
        "refund", "Staff: give money back and take its credits", shapes.Refund,
        query=billing.RefundQuery, refusals=(400, 404, 409), once=True),
    # webhooks to clients
    "GET /api/webhooks/secret": Op("webhook_secret", "What signs one's webhooks",
                                   shapes.WebhookSecret),
    "POST /api/webhooks/secret": Op("change_webhook_secret", "Sign with a new secret",
                                    shapes.WebhookSecret),
    "GET /api/webhooks/deliveries": Op("list_deliveries", "Webhooks sent", shapes.Deliveries,
                                       query=webhooks.DeliveriesQuery),
    "GET /api/webhooks/deliveries/{delivery_id}": Op("get_delivery", "One webhook",
                                                     shapes.Delivery),
    "POST /api/webhooks/deliveries/{delivery_id}/redeliver": Op(
        "redeliver", "Send a webhook again", shapes.Delivery, refusals=(400,)),
    # the showcase
    "GET /api/showcase/videos": Op("list_clips", "The public showcase", shapes.Clips,
                                   query=showcase.ClipsQuery, public=True),
    "GET /api/showcase/videos/{clip_id}": Op("get_clip", "One clip; looking counts", shapes.Clip,
                                             refusals=(503,), public=True),
    "POST /api/showcase/videos/{clip_id}/like": Op("like", "Like a clip", shapes.Liked,
                                                   refusals=(503,)),
    "DELETE /api/showcase/videos/{clip_id}/like": Op("unlike", "Take a like back", shapes.Liked,
                                                     refusals=(503,)),
}  # fmt: skip
# The first word of the address under /api, and the chapter it stands in.
CHAPTERS = {
    "auth": "Accounts",
    "users": "Accounts",
    "videos": "Videos",
    "tasks": "Tasks",
    "payments": "Payments",
    "webhooks": "Webhooks",
    "showcase": "Showcase",
}
FILES = {"export": "application/zip"}
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The same request under the same key is done once; honoured for 24 hours.",
)
REASONS = {
    206: "Part of the file, as a Range header asked",
    304: "Not modified",
    400: "Cannot be done; `code` says why",
    401: "Not signed in",
    402: "Not enough credits",
    403: "Not allowed",
    404: "Unknown, or somebody else's",
    409: "The Idempotency-Key was used for another request",
    413: "Too large",
    415: "A content type that is not read here",
    416: "The range lies outside the file",
    422: "A field is missing or wrong",
    429: "Too many requests; Retry-After says when again",
    500: "It failed here, or a service behind it did not answer",
    503: "Not available at the moment",
}


class Schema(AutoSchema):
    """Describes a door by its line in OPERATIONS; one without is a KeyError, not a gap."""

    @property
    def op(self) -> Op:
        return OPERATIONS[f"{self.method} {self.path}"]

    def get_operation_id(self) -> str:
        return self.op.id

    def get_summary(self) -> str:
        return self.op.summary

    def get_description(self) -> str:  # type: ignore[override]
        return f"The same as `{self.op.instead}`." if self.op.instead else ""

    def is_deprecated(self) -> bool:
        return bool(self.op.instead)

    def get_tags(self) -> list[str]:
        return [CHAPTERS[self.path.split("/")[2]]]

    def get_request_serializer(self) -> Any:
        return self.op.body

    def get_override_parameters(self) -> list[Any]:
        found: list[Any] = [self.op.query] if self.op.query else []
        return [*found, IDEMPOTENCY_KEY] if self.op.once else found

    def get_auth(self) -> list[Any]:
        return [] if self.op.public else [{"token": []}, {"key": []}, {"session": []}]

    def get_serializer_name(self, serializer: Any, direction: str) -> str:
        """What doors read is named with its app: several of them have a CreateBody."""
        kind = type(serializer)
        app = "" if kind.__module__ == shapes.__name__ else kind.__module__.split(".")[0].title()
        return app + kind.__name__

    def get_examples(self) -> list[OpenApiExample]:
        if not self.op.example:
            return []
        return [OpenApiExample("Example", dict(self.op.example), request_only=True)]

    def get_response_serializers(self) -> dict[Any, Any]:  # type: ignore[override]
        op = self.op
        answers: dict[Any, Any] = {op.code: op.answer}
        if op.answer is None:
            answers = {(op.code, FILES.get(op.id, "*/*")): FILE}
        for code in sorted({*op.refusals, *self._usual()}):
            shape: Any = shapes.Invalid if code == 422 else shapes.Error
            if code in {206, 304, 416}:
                shape = FILE if code == 206 else None
            key = (code, "*/*") if code == 206 else (code, "application/json")
            answers[key] = OpenApiResponse(shape, description=REASONS[code])
        return answers

    def _usual(self) -> set[int]:
        op = self.op
        codes = {429, 500} if op.public else {401, 403, 429, 500}
        if "{" in self.path:
            codes.add(404)
        if op.query or op.body:
            codes.add(422)
        if self.method in {"POST", "PUT"} or op.body:
            codes |= {400, 413, 415}
        return codes


def complete(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """What is no DRF view: the health check and the doors for webhooks that come in."""
    result["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "session": {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
    }
    result["paths"] |= {
        "/health": {"get": _plain("health", "Whether it serves", "Operations", "Health")},
        "/api/payments/webhook/stripe": {
            "post": _bell("stripe_webhook", "Stripe's events, signed", "Received", 400)
        },
        "/api/videos/sora/callback": {
            "post": _bell("sora_callback", "A kie.ai-shaped engine's news", "CallbackTaken", 401)
        },
        "/api/webhooks/{upstream}": {
            "post": _bell("upstream_webhook", "An engine's news, signed", "Received", 401)
            | {"parameters": [_path("upstream")]}
        },
    }
    for shape in (shapes.Health, shapes.Received, shapes.CallbackTaken):
        result["components"]["schemas"].setdefault(shape.__name__, _object(shape))
    return result


def _plain(id: str, summary: str, chapter: str, shape: str) -> dict[str, Any]:
    return {
        "operationId": id,
        "summary": summary,
        "tags": [chapter],
        "responses": {"200": _answer("", shape)},
    }


def _bell(id: str, summary: str, shape: str, forged: int) -> dict[str, Any]:
    described = _plain(id, summary, "Webhooks that come in", shape)
    described["requestBody"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
    for code, reason in ((forged, "Forged"), (400, REASONS[400]), (404, REASONS[404]), (413, REASONS[413])):  # noqa: E501  # fmt: skip
        described["responses"][str(code)] = _answer(reason, "Error")
    return described


def _answer(description: str, shape: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{shape}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _path(name: str) -> dict[str, Any]:
    return {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}


def _object(shape: Body) -> dict[str, Any]:
    fields = shape().fields
    kinds = {"BooleanField": "boolean", "UUIDField": "string"}
    properties = {
        name: {"type": kinds.get(type(found).__name__, "string")} for name, found in fields.items()
    }
    return {"type": "object", "properties": properties, "required": list(fields)}
