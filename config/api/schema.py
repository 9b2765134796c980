"""The OpenAPI document: what all operations have in common.

Views describe their operations with `extend_schema`. `Schema` adds chapters, ways to sign in and
the error answers that follow from the kind of an operation; `complete` adds the few addresses that
are no API views.
"""

import re
from typing import Any

from django.conf import settings
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry
from rest_framework.permissions import SAFE_METHODS
from rest_framework.serializers import Serializer

from accounts.auth.authentication import scope_of
from accounts.models import ApiKey
from config.api import schema_rewrites, throttling
from config.lib.api import envelope
from config.lib.api.openapi import DESCRIPTIONS
from config.lib.api.serializers import (
    EnvelopeSerializer,
    ErrorSerializer,
    ValidationErrorSerializer,
)

# The first word of the address under /api, and the chapter it stands in.
CHAPTERS = {
    "auth": "Accounts",
    "users": "Accounts",
    "videos": "Videos",
    "edits": "Videos",
    "exports": "Videos",
    "models": "Videos",
    "prompts": "Videos",
    "reviews": "Videos",
    "storyboards": "Videos",
    "tasks": "Tasks",
    "payments": "Payments",
    "events": "Events",
    "webhooks": "Webhooks",
    "showcase": "Showcase",
    "verify": "Showcase",
}
GATEWAY = "OpenAI's Videos API"
# What each chapter is about, and for whom.
TAGS = {
    "Videos": "For programs and agents: models, prices, prompts, orders, edits, exports, uploads.",
    "Events": "For programs and agents: what changed, as a stream or by long polls.",
    GATEWAY: "For programs written for the SDKs of OpenAI, at another base URL.",
    "Webhooks": "For programs: what we called them about, and the secret that signs it.",
    "Tasks": "For clients of the task API: the same videos, as tasks.",
    "Accounts": "For clients that sign people in: tokens, profile, API keys, limits, requests.",
    "Payments": "For clients that sell: packages, checkout, and refunds by staff.",
    "Showcase": "For everybody: videos that makers show in public, and where a file comes from.",
    "Operations": "For operators and load balancers: whether the server works.",
    "Callbacks to Firstlight": "For engines and Stripe, which report to us here.",
}
TAG_GROUPS = {
    "Programs and agents": ["Videos", "Events", GATEWAY, "Webhooks"],
    "Clients with people": ["Tasks", "Accounts", "Payments", "Showcase"],
    "Operators": ["Operations", "Callbacks to Firstlight"],
}
# What a description says of the limit that counts a call.
LIMITS = {
    "register": "a few a quarter of an hour for each IP address",
    "login": "a few a quarter of an hour for each IP address",
    "auth": "a few a minute for each IP address",
    "generate": "orders of videos, for each user",
    "batch": "orders in batches, each line, for each user",
    "upload": "uploads, for each user",
    "tasks": "polling, for each user",
    "events": "event streams and long polls, for each user",
    "prompt_help": "prompts that a chat model improves, for each user",
    "other": "calls in general, for each user",
}
SECURITY_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer"},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "session": {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME},
}


class Schema(AutoSchema):
    """Describe a view's operations; everything that belongs to one view is in its decorator."""

    def get_description(self) -> str:  # type: ignore[override]
        """Say who may call and what counts the call; docstrings are for readers of the code."""
        limit = LIMITS[throttling.limit_of(self.view, self.method)]
        return f"{self._who_may_call()} Counted with {limit}."

    def _who_may_call(self) -> str:
        if not self.view.authentication_classes:
            return "No sign-in is needed."
        reads = self.method in SAFE_METHODS
        view = self.view
        scope = str(getattr(view, "read_scope", "read") if reads else scope_of(view))
        if scope not in ApiKey.Scope.values:
            return "Needs a sign-in: an API key may not do this."
        return f"Needs a sign-in, or an API key with the scope `{scope}`."

    def get_tags(self) -> list[str]:
        if envelope.applies_to(self.path):
            return [GATEWAY]
        return [CHAPTERS[self.path.split("/")[2]]]

    def get_auth(self) -> list[dict[str, Any]]:
        if envelope.applies_to(self.path):
            return [{"token": []}, {"key": []}]
        return [{name: []} for name in SECURITY_SCHEMES] if self.view.authentication_classes else []

    def get_request_serializer(self) -> Any:
        return None

    def get_operation(
        self,
        path: str,
        path_regex: str,
        path_prefix: str,
        method: str,
        registry: ComponentRegistry,
    ) -> dict[str, Any] | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is not None:
            responses = operation["responses"]
            for code in self._common_errors(operation):
                responses.setdefault(str(code), self._error(code))
            operation["responses"] = dict(sorted(responses.items()))
        return operation

    def _common_errors(self, operation: dict[str, Any]) -> set[int]:
        codes = {429, 500}
        if self.get_auth():
            codes |= {401, 403}
        if "{" in self.path:
            codes.add(404)
        parameters = operation.get("parameters", [])
        has_body = self.get_request_serializer() is not None
        if has_body or any(parameter["in"] == "query" for parameter in parameters):
            codes.add(400 if envelope.applies_to(self.path) else 422)
        if has_body or self.method in {"POST", "PUT"}:
            codes |= {400, 413, 415}
        return codes

    def _error(self, code: int) -> dict[str, Any]:
        serializer: type[Serializer] = ErrorSerializer
        if code == 422:
            serializer = ValidationErrorSerializer
        if envelope.applies_to(self.path):
            serializer = EnvelopeSerializer
        component = self.resolve_serializer(serializer, "response")
        return _json_response(DESCRIPTIONS[code], component.ref)


# The requirement that a docstring names as its source, such as " Source: A13, A15."
REQUIREMENT = re.compile(r"\s*Source: (.*?\.|.*)(?=\s|$)", re.DOTALL)


def view_description(_view: Any, html: bool = False) -> str:
    """Return what OPTIONS says of a view: nothing, for docstrings are for readers of the code."""
    return ""


def complete(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Add to the document what is no API view: the health check and the callbacks that come in."""
    result["servers"] = [{"url": settings.BASE_URL}]
    result["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    result["x-tagGroups"] = [{"name": name, "tags": tags} for name, tags in TAG_GROUPS.items()]
    result["components"]["securitySchemes"] = SECURITY_SCHEMES
    for component in result["components"]["schemas"].values():
        if text := REQUIREMENT.sub("", component.pop("description", "")).strip():
            component["description"] = text
    result["components"]["schemas"] |= {
        "Health": _object(
            status={"enum": ["ok", "degraded"], "type": "string"}, version={"type": "string"}
        ),
        "Probe": _object(status={"enum": ["ok"], "type": "string"}),
        "EventReceipt": _object(received={"type": "boolean"}),
        "CallbackReceipt": _object(
            success={"type": "boolean"}, message={"type": "string"}, task_id={"type": "string"}
        ),
    }
    result["paths"] |= {
        "/health": {"get": _plain_view("health", "Check that the server works", "Health")},
        "/livez": {"get": _plain_view("livez", "Check that this process answers", "Probe")},
        "/readyz": {"get": _readiness()},
        "/api/payments/webhook/stripe": {
            "post": _callback("stripe_webhook", "Receive a signed event of Stripe", "EventReceipt")
        },
        "/api/videos/sora/callback": {
            "post": _callback(
                "sora_callback",
                "Receive a callback of kie.ai",
                "CallbackReceipt",
                401,
            )
        },
        "/api/webhooks/{engine}": {
            "post": _callback(
                "engine_webhook", "Receive a signed callback of an engine", "EventReceipt", 401
            )
            | {"parameters": [_path_parameter("engine")]}
        },
    }
    operations = [op for path in result["paths"].values() for op in path.values()]
    for operation in operations:
        schema_rewrites.use_catalog_in_examples(operation)
        schema_rewrites.separate_forms(operation, result["components"]["schemas"])
    result["components"]["responses"] = schema_rewrites.share_errors(operations)
    return result


PLAIN_DESCRIPTIONS = {
    "Operations": "No sign-in is needed, and no limit counts it.",
    "Callbacks to Firstlight": "Called by engines and Stripe, not by clients; no limit counts it.",
}


def _plain_view(
    operation_id: str, summary: str, answer: str, tag: str = "Operations"
) -> dict[str, Any]:
    return {
        "operationId": operation_id,
        "summary": summary,
        "description": PLAIN_DESCRIPTIONS[tag],
        "tags": [tag],
        "responses": {"200": _json_response("", _reference(answer))},
    }


def _readiness() -> dict[str, Any]:
    operation = _plain_view("readyz", "Check that this process should get requests", "Probe")
    operation["responses"]["503"] = _json_response(
        "Stopping, or the database does not answer or is not migrated", _reference("Error")
    )
    return operation


def _callback(operation_id: str, summary: str, answer: str, *refused: int) -> dict[str, Any]:
    operation = _plain_view(operation_id, summary, answer, "Callbacks to Firstlight")
    operation["requestBody"] = {"content": {"application/json": {"schema": {"type": "object"}}}}
    for code in (400, *refused, 404, 413):
        operation["responses"][str(code)] = _json_response(DESCRIPTIONS[code], _reference("Error"))
    return operation


def _json_response(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}, "description": description}


def _reference(component: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{component}"}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _path_parameter(name: str) -> dict[str, Any]:
    return {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}
