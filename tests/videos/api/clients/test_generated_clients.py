"""Clients that public generators make of /openapi.json compile and make a video."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from accounts.models import User
from tests.conftest import ServerThread
from tests.videos.api.gateway.clients import key_of
from videos.models import Video

HERE = Path(__file__).parent
PYTHON_GENERATOR = "openapi-python-client==0.29.1"
TYPESCRIPT = ("openapi-typescript@7", "openapi-fetch@0", "typescript@5", "@types/node@20")
# The generator knows binary answers under this name only.
CONFIG = """
project_name_override: firstlight-client
package_name_override: firstlight_client
content_type_overrides:
  "*/*": application/octet-stream
  application/zip: application/octet-stream
"""
STRICT = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck"]


def run(folder: Path, *command: object, seconds: float = 300) -> str:
    """Run a command and return what it printed."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


def make_video(work: Callable[..., None], folder: Path, *command: object) -> str:
    """Run a program that orders a video and waits for it, while a worker makes it."""
    output = folder / "output"
    with output.open("w") as file:
        program = subprocess.Popen(
            [str(word) for word in command], cwd=folder, stdout=file, stderr=file
        )
    work(lambda: program.poll() is not None, 60)
    assert program.returncode == 0, output.read_text()
    assert Video.objects.get().status == Video.Status.SUCCEEDED
    return output.read_text().strip()


@pytest.fixture
def schema(live: ServerThread, tmp_path: Path) -> Path:
    """The schema as a file, as it is served."""
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(Client().get("/openapi.json").json()))
    return file


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_python_client_makes_a_video(
    live: ServerThread, alice: User, work: Callable[..., None], schema: Path, tmp_path: Path
) -> None:
    run(tmp_path, sys.executable, "-m", "venv", "venv")
    python = tmp_path / "venv/bin/python"
    pip = (python, "-m", "pip", "install", "--quiet")
    run(tmp_path, *pip, PYTHON_GENERATOR)
    (tmp_path / "config.yml").write_text(CONFIG)
    generator = tmp_path / "venv/bin/openapi-python-client"
    said = run(tmp_path, generator, "generate", "--path", schema, "--config", "config.yml")
    assert "WARNING" not in said
    run(tmp_path, *pip, "./firstlight-client")
    run(tmp_path, python, "-m", "compileall", "-q", "firstlight-client")
    program = HERE / "made_in_python.py"
    output = make_video(work, tmp_path, python, program, live.url, key_of(alice))
    assert output == "True completed ftyp"


@pytest.mark.thorough
@pytest.mark.timeout(600)
@pytest.mark.skipif(not shutil.which("npm"), reason="needs Node")
def test_typescript_client_makes_a_video(
    live: ServerThread, alice: User, work: Callable[..., None], schema: Path, tmp_path: Path
) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    run(tmp_path, "npm", "install", "--silent", "--no-audit", "--no-fund", *TYPESCRIPT)
    run(tmp_path, "npx", "openapi-typescript", schema, "-o", "schema.d.ts")
    shutil.copy(HERE / "made_in_typescript.ts", tmp_path / "program.ts")
    run(tmp_path, "npx", "tsc", *STRICT, "program.ts")
    output = make_video(work, tmp_path, "node", "program.js", live.url, key_of(alice))
    assert output == "completed ftyp"
