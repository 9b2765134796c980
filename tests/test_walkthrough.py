"""docs/walkthrough.postman_collection.json, run as its programs run it: from top to bottom."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
from django.conf import settings

from tests.conftest import Serving
from videos.models import Video

ROOT = Path(settings.BASE_DIR)
SET = re.compile(r'pm\.collectionVariables\.set\("(\w+)", pm\.response\.json\(\)\.(\w+)\);')
STATUS = re.compile(r"pm\.response\.to\.have\.status\((\d+)\)")


def filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], text)


def send(request: dict[str, Any], values: dict[str, str]) -> httpx2.Response:
    headers = {h["key"]: filled(h["value"], values) for h in request["header"]}
    body = request.get("body", {})
    sent: dict[str, Any] = {}
    if body.get("mode") == "raw":
        sent["content"] = filled(body["raw"], values)
    elif body.get("mode") == "formdata":
        fields = body["formdata"]
        sent["data"] = {f["key"]: f["value"] for f in fields if f["type"] == "text"}
        paths = {f["key"]: ROOT / f["src"] for f in fields if f["type"] == "file"}
        sent["files"] = {key: (path.name, path.read_bytes()) for key, path in paths.items()}
    address = filled(request["url"], values)
    return httpx2.request(request["method"], address, headers=headers, timeout=30, **sent)


def test_the_collection_runs_from_top_to_bottom(
    live: Serving, finish: Callable[[Video], Video]
) -> None:
    collection = json.loads((ROOT / "docs" / "walkthrough.postman_collection.json").read_text())
    values = {variable["key"]: variable["value"] for variable in collection["variable"]}
    values["base"] = live.url
    wanted, answers = {}, {}
    for item in collection["item"]:
        if "until SUCCEEDED" in item["name"]:
            finish(Video.objects.get(pk=values["task"]))
        script = "\n".join(line for event in item["event"] for line in event["script"]["exec"])
        wanted[item["name"]] = int(STATUS.findall(script)[0])
        answers[item["name"]] = answer = send(item["request"], values)
        values |= {name: answer.json()[field] for name, field in SET.findall(script)}
    assert {name: answer.status_code for name, answer in answers.items()} == wanted
    assert answers["How it stands (repeat until SUCCEEDED)"].json()["status"] == "SUCCEEDED"
    assert answers["The film"].content[4:8] == b"ftyp"
    assert answers["What it cost"].json()["credits"] == 75
