"""The API's schema and all that is written about the API: complete, valid, and true when run."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from django.conf import LazySettings, settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, get_resolver
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.models import User
from config.api import docs
from config.management.commands import demo
from config.ops.postman import collection
from tests.conftest import ServerThread
from tests.schema import document, operation_of
from tests.videos.conftest import picture
from videos import tasks

ROOT = Path(settings.BASE_DIR)


def test_schema_is_valid_and_has_no_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True)
    assert capsys.readouterr().err == ""


@pytest.mark.django_db
def test_no_query_is_sent_when_the_schema_is_generated() -> None:
    with CaptureQueriesContext(connection) as queries:
        SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    assert [query["sql"] for query in queries] == []


def test_no_requirement_is_named_when_the_schema_is_read() -> None:
    internal = r"\b[ABCK]\d{1,2}\b|Source:|systems? [ABC]\b|Pagination"
    assert re.findall(internal, json.dumps(document())) == []


@pytest.mark.django_db
def test_no_docstring_is_sent_when_options_are_asked(api: APIClient) -> None:
    paths = ("/api/videos", "/api/auth/login", "/api/videos/upload")
    assert [api.options(path).json()["description"] for path in paths] == ["", "", ""]


def api_routes() -> list[str]:
    routes = [str(p.pattern) for p in get_resolver().url_patterns if isinstance(p, URLPattern)]
    found = ["/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route) for route in routes]
    readers = {"/api/schema", "/openapi.json", "/api/docs", "/api/redoc"}
    programs = ("/api/", "/v1/", "/health", "/livez", "/readyz")
    return sorted({f for f in found if f.startswith(programs)} - readers)


def test_every_address_is_in_the_schema() -> None:
    assert sorted(document()["paths"]) == api_routes()


def test_every_operation_has_a_unique_id_and_a_summary() -> None:
    calls = [op for found in document()["paths"].values() for op in found.values() if "tags" in op]
    names = [op["operationId"] for op in calls]
    assert [op for op in calls if not op["summary"]] == []
    assert len(names) == len(set(names))


def test_every_operation_says_in_a_sentence_who_may_call_it() -> None:
    calls = {
        op["operationId"]: op for found in document()["paths"].values() for op in found.values()
    }
    lacking = [name for name, op in calls.items() if not op.get("description", "").endswith(".")]
    assert lacking == []
    assert {
        name: calls[name]["description"] for name in ("create_key", "quote_video", "login")
    } == {
        "create_key": "Needs a sign-in: an API key may not do this."
        " Counted with calls in general, for each user.",
        "quote_video": "Needs a sign-in, or an API key with the scope `generate`."
        " Counted with calls in general, for each user.",
        "login": "No sign-in is needed."
        " Counted with a few a quarter of an hour for each IP address.",
    }


def test_every_chapter_has_a_description_and_a_group() -> None:
    used = {
        tag for found in document()["paths"].values() for op in found.values() for tag in op["tags"]
    }
    described = {tag["name"] for tag in document()["tags"] if tag["description"]}
    grouped = {tag for group in document()["x-tagGroups"] for tag in group["tags"]}
    assert (described, grouped) == (used, used)


def order_fields(schema: dict[str, Any]) -> dict[str, Any]:
    fields = schema["components"]["schemas"]["CreateVideoRequest"]["properties"]
    return {name: fields[name] for name in ("model", "size", "seconds")}


def test_order_names_the_models_sizes_and_lengths_of_the_catalog() -> None:
    served = Client().get("/openapi.json").json()
    fields = order_fields(served)
    assert fields["model"]["enum"][0] == "sora-2"
    assert "`sora-2`: Sora 2, 8 s at 1280x720, 20 credits." in fields["model"]["description"]
    assert {"1280x720", "720x1280"} <= set(fields["size"]["enum"])
    assert fields["seconds"]["enum"] == [4, 8, 12, 16, 20]
    assert served["servers"] == [{"url": settings.BASE_URL}]


def test_schema_changes_with_the_catalog(settings: LazySettings) -> None:
    settings.BASE_URL = "https://films.example.com"
    settings.MODEL_ALIASES = {"house-model": "sora-2-pro"}
    served = Client().get("/openapi.json").json()
    assert served["servers"] == [{"url": "https://films.example.com"}]
    assert "house-model" in order_fields(served)["model"]["enum"]
    assert "house-model" not in order_fields(document())["model"]["enum"]


def test_only_forms_have_files() -> None:
    content = document()["paths"]["/api/videos"]["post"]["requestBody"]["content"]
    assert {kind: body["schema"]["$ref"].rpartition("/")[2] for kind, body in content.items()} == {
        "application/json": "CreateVideoRequest",
        "multipart/form-data": "CreateVideoForm",
    }
    schemas = document()["components"]["schemas"]
    files = {"input_reference", "last_image", "reference_images"}
    form = schemas["CreateVideoForm"]["properties"].keys()
    assert form - schemas["CreateVideoRequest"]["properties"].keys() == files
    remix = document()["paths"]["/api/videos/{video_id}/remix"]["post"]["requestBody"]
    assert list(remix["content"]) == ["application/json"]
    assert remix["description"] == "Also accepted as a form, multipart or URL-encoded."


def test_error_answers_are_shared() -> None:
    answers = document()["paths"]["/api/videos"]["post"]["responses"]
    assert answers["402"] == {"$ref": "#/components/responses/Error402"}
    shared = document()["components"]["responses"]["Error402"]
    assert shared["description"] == "Not enough credits"


@pytest.mark.parametrize(
    "address", ["/api/schema", "/api/docs", "/api/redoc", "/reference/redoc.js"]
)
def test_reference_is_served_from_our_server_when_anonymous(address: str) -> None:
    answer = Client().get(address)
    foreign = [name in answer.content for name in (b"cdn.redoc.ly", b"googleapis", b"jsdelivr")]
    assert (answer.status_code, foreign) == (200, [False] * 3)


def test_served_schema_has_the_tested_paths() -> None:
    assert Client().get("/api/schema").json()["paths"].keys() == document()["paths"].keys()


def examples() -> dict[str, Any]:
    """The example bodies of the calls without an id in their address."""
    found = {}
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            if "examples" in body and "{" not in path:
                found[f"{method.upper()} {path}"] = body["examples"]["Example"]["value"]
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("call", examples())
def test_example_body_is_valid(call: str, api: APIClient) -> None:
    method, path = call.split()
    answer = api.generic(method, path, json.dumps(examples()[call]), "application/json")
    assert answer.status_code != 422


NAMED_TESTS = [
    "The test user is signed in",
    "The key is created",
    "The key is shown once",
    "The image is stored",
    "An order without a prompt is refused",
    "The video is ordered",
    "The state of the video is known",
    "The video succeeds",
    "The file is there",
    "The file is an MP4",
    "The ledger is readable",
    "The video was charged once",
]


@pytest.fixture
def served(live: ServerThread, tmp_path: Path) -> Iterator[ServerThread]:
    """The whole product with its background work, the demo people, and a picture of a boat."""
    demo.people()
    (tmp_path / "boat.png").write_bytes(picture("PNG", (64, 36)) + b"\0" * 1024)
    stop = threading.Event()
    worker = threading.Thread(target=tasks.run, args=[stop])
    worker.start()
    yield live
    stop.set()
    worker.join(20)


def run_shell_block(text: str, heading: str, served: ServerThread, folder: Path) -> str:
    """Run the first shell block under a heading, against this server; what it printed."""
    block = text.split(heading, 1)[1].split("```bash\n", 1)[1].split("```", 1)[0]
    script = f"set -euo pipefail\n{block}".replace("http://127.0.0.1:8000", served.url)
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_shell_example_of_the_readme_works(served: ServerThread, tmp_path: Path) -> None:
    output = run_shell_block(
        (ROOT / "README.md").read_text(), "## Make a video with curl", served, tmp_path
    )
    assert is_mp4(tmp_path / "boat.mp4") is True
    assert '"transaction_type":"spent"' in output


def test_shell_example_of_the_quickstart_works(served: ServerThread, tmp_path: Path) -> None:
    user = User.objects.get(username="demo")
    text = (ROOT / "docs" / "quickstart.md").read_text()
    text = text.replace("KEY=fl_...", f"KEY={api_keys.issue(user, 'a', ['read', 'generate'])[1]}")
    output = run_shell_block(text, "## I want to call the API", served, tmp_path)
    assert (is_mp4(tmp_path / "boat.mp4"), '"modes"' in output) == (True, True)


def is_mp4(file: Path) -> bool:
    return file.read_bytes()[4:8] == b"ftyp"


def test_shell_example_of_the_api_page_works(served: ServerThread, tmp_path: Path) -> None:
    output = run_shell_block((ROOT / "docs" / "api.md").read_text(), "## A walk", served, tmp_path)
    assert is_mp4(tmp_path / "boat.mp4") is True
    assert "Successfully logged out" in output


def test_postman_collection_is_what_the_command_writes() -> None:
    book = ROOT / "docs" / "firstlight.postman_collection.json"
    assert book.read_text() == collection.text()


def test_postman_collection_has_every_call() -> None:
    _walk, *folders = json.loads(collection.text())["item"]
    calls = [item["name"] for folder in folders for item in folder["item"]]
    described = [op["summary"] for found in document()["paths"].values() for op in found.values()]
    assert sorted(calls) == sorted(described)


def test_postman_collection_works_from_top_to_bottom(served: ServerThread, tmp_path: Path) -> None:
    book = json.loads((ROOT / "docs" / "firstlight.postman_collection.json").read_text())
    known = {entry["key"]: entry["value"] for entry in book["variable"]}
    known |= {"base_url": served.url, "boat": str(tmp_path / "boat.png")}
    for item in book["item"][0]["item"]:
        answer = send(item["request"], known)
        while item["name"].startswith("Wait") and answer.json()["status"] != "SUCCEEDED":
            time.sleep(0.2)
            answer = send(item["request"], known)
        check_and_remember("".join(item["event"][0]["script"]["exec"]), answer, known)
    assert answer.json()["transactions"][0]["transaction_type"] == "spent"


@pytest.mark.thorough
def test_postman_collection_runs_in_newman(served: ServerThread, tmp_path: Path) -> None:
    book = ROOT / "docs" / "firstlight.postman_collection.json"
    variables = [f"base_url={served.url}", f"boat={tmp_path / 'boat.png'}"]
    done = subprocess.run(
        ["npx", "--yes", "newman@6", "run", str(book), "--folder", "The walk"]
        + ["--reporters", "json"]
        + ["--reporter-json-export", str(tmp_path / "report.json"), "--working-dir", str(tmp_path)]
        + [word for each in variables for word in ("--env-var", each)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    run = json.loads((tmp_path / "report.json").read_text())["run"]
    tests = [each["assertion"] for step in run["executions"] for each in step["assertions"]]
    assert (run["failures"], list(dict.fromkeys(tests))) == ([], NAMED_TESTS)


def fill_variables(text: str, known: dict[str, str]) -> str:
    return re.sub(r"{{(\w+)}}", lambda match: known[match[1]], text)


def send(request: dict[str, Any], known: dict[str, str]) -> httpx2.Response:
    headers = {entry["key"]: fill_variables(entry["value"], known) for entry in request["header"]}
    body: dict[str, Any] = request.get("body", {})
    sent: dict[str, Any] = {}
    if body.get("mode") == "raw":
        sent["content"] = fill_variables(body["raw"], known)
    elif body.get("mode") == "formdata":
        fields = body["formdata"]
        sent["data"] = {f["key"]: f["value"] for f in fields if f["type"] == "text"}
        files = {
            f["key"]: Path(fill_variables(f["src"], known)) for f in fields if f["type"] == "file"
        }
        sent["files"] = {name: (path.name, path.read_bytes()) for name, path in files.items()}
    url = fill_variables(request["url"], known)
    return httpx2.request(request["method"], url, headers=headers, timeout=30, **sent)


def check_and_remember(script: str, answer: httpx2.Response, known: dict[str, str]) -> None:
    """What the collection's own script checks and keeps."""
    (expected,) = re.findall(r"have\.status\((\d+)\)", script)
    assert answer.status_code == int(expected), answer.text[:500]
    for name, field in re.findall(r'set\("(\w+)", pm\.response\.json\(\)\.(\w+)\)', script):
        known[name] = answer.json()[field]


def test_unknown_operation_is_not_in_the_schema() -> None:
    assert (operation_of("GET", "/api/nothing"), operation_of("PUT", "/api/videos")) == (None, None)


def test_schema_is_kept_for_our_languages_only(anonymous: APIClient) -> None:
    docs._document.cache_clear()
    languages = ("en", "ja", "made-up-1", "made-up-2", "xx")
    answers = {name: anonymous.get(f"/api/schema?lang={name}").status_code for name in languages}
    assert answers == dict.fromkeys(languages, 200)
    assert docs._document.cache_info().currsize == 2
