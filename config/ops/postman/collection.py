"""The Postman collection, made of the OpenAPI document and of the walk in walk.json.

The walk is a way through the API with named tests, which Postman and newman run from top to bottom.
Its steps name operations; where these are and how they are called says the document. Every other
call follows, by chapter, with its example body.
"""

import json
import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import override
from drf_spectacular.generators import SchemaGenerator

FILE = settings.BASE_DIR / "docs" / "firstlight.postman_collection.json"
WALK = Path(__file__).with_name("walk.json")
WALK_FOLDER = "The walk"
FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
DESCRIPTION = (
    "The folder “The walk” is the one of docs/api.md: sign in, create an API key, upload an image,"
    " order a video, wait for it, download it, and read the ledger. Run it from top to bottom"
    " against an installation with the sandbox; set base_url, and boat to the path of an image,"
    " first. The other folders have every call. By command: newman run"
    " firstlight.postman_collection.json --folder 'The walk' --env-var"
    " base_url=http://127.0.0.1:8000 --env-var boat=boat.png"
)
VARIABLES = {
    "base_url": "http://127.0.0.1:8000",
    "boat": "boat.png",
    **dict.fromkeys(("token", "key", "image", "task", "status", "result"), ""),
}
SIGNS = {
    "token": {"key": "Authorization", "value": "Bearer {{token}}"},
    "key": {"key": "X-API-Key", "value": "{{key}}"},
}
JSON_TYPE = {"key": "Content-Type", "value": "application/json"}


def write() -> Path:
    """Write the collection to its file, and return where that is."""
    FILE.write_text(text())
    return FILE


def text() -> str:
    """Return the collection as the file has it."""
    with override("en"):
        document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    collection = {
        "info": {"name": "Firstlight", "description": DESCRIPTION, "schema": FORMAT},
        "variable": [{"key": name, "value": value} for name, value in VARIABLES.items()],
        "item": [_walk(document), *_chapters(document)],
    }
    return json.dumps(collection, indent=2, ensure_ascii=False) + "\n"


def _walk(document: dict[str, Any]) -> dict[str, Any]:
    places = {
        operation["operationId"]: (method.upper(), path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    steps = json.loads(WALK.read_text())
    return {"name": WALK_FOLDER, "item": [_step(step, places) for step in steps]}


def _step(step: dict[str, Any], places: dict[str, tuple[str, str]]) -> dict[str, Any]:
    method, url = "GET", step.get("url", "")
    if "operation" in step:
        method, path = places[step["operation"]]
        url = "{{base_url}}" + re.sub(r"{(\w+)}", lambda match: step["path"][match[1]], path)
    if "query" in step:
        url += f"?{step['query']}"
    request: dict[str, Any] = {
        "method": method,
        "header": [SIGNS[name] for name in step["signs"]],
        "url": url,
    }
    if "json" in step:
        request["header"].append(JSON_TYPE)
        request["body"] = {"mode": "raw", "raw": json.dumps(step["json"])}
    if "form" in step:
        fields = [_form_field(name, value) for name, value in step["form"].items()]
        request["body"] = {"mode": "formdata", "formdata": fields}
    events = [_event("test", step["tests"])]
    events += [_event("prerequest", step["before"])] if "before" in step else []
    return {"name": step["name"], "request": request, "event": events}


def _form_field(name: str, value: str) -> dict[str, str]:
    """Return a field of a form; a value that begins with @ is the path of a file."""
    if value.startswith("@"):
        return {"key": name, "type": "file", "src": value[1:]}
    return {"key": name, "type": "text", "value": value}


def _event(listen: str, lines: list[str]) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": lines}}


def _chapters(document: dict[str, Any]) -> list[dict[str, Any]]:
    folders: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            folders[operation["tags"][0]].append(_call(path, method.upper(), operation))
    described = {tag["name"]: tag["description"] for tag in document["tags"]}
    return [
        {"name": name, "description": described[name], "item": calls}
        for name, calls in folders.items()
    ]


def _call(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": method,
        "description": operation["description"],
        "header": [SIGNS["key"]] if operation.get("security") else [],
        "url": "{{base_url}}" + re.sub(r"{(\w+)}", r"{{\1}}", path),
    }
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        examples = content["application/json"].get("examples", {})
        example: Any = next((each["value"] for each in examples.values()), {})
        request["header"].append(JSON_TYPE)
        request["body"] = {"mode": "raw", "raw": json.dumps(example, ensure_ascii=False)}
    return {"name": operation["summary"], "request": request}
