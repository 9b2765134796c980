"""The official Node SDK drives /v1 of a real server; npm gets it from its registry."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from accounts.models import User
from billing.ledger import credits
from tests.conftest import ServerThread
from tests.videos.api.gateway.clients import key_of
from tests.videos.conftest import completed, order, picture

SCRIPT = Path(__file__).with_name("node_sdk.mjs")


@pytest.mark.thorough
@pytest.mark.timeout(240)
@pytest.mark.skipif(not shutil.which("npm"), reason="needs Node")
@pytest.mark.parametrize("version", ["6.49.0", "7.55.0"])
def test_node_sdk_makes_reads_and_deletes_videos(
    live: ServerThread, alice: User, mp4: bytes, tmp_path: Path, version: str
) -> None:
    credits.grant(alice, 1000, credits.Kind.EARNED, "rich", expires_at=None)
    video = completed(order(alice), mp4)
    name = f"video_{video.pk.hex}"
    image = tmp_path / "boat.png"
    image.write_bytes(picture(size=(720, 1280)))
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", f"openai@{version}"]
    subprocess.run(install, cwd=tmp_path, check=True, timeout=120)
    shutil.copy(SCRIPT, tmp_path)
    done = subprocess.run(
        ["node", SCRIPT.name, f"{live.url}/v1", key_of(alice), str(image), name],
        cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    models = found.pop("models")
    assert {"sora-2", "sora-2-pro"} <= set(models)
    assert found == {
        "created": [["queued", "720x1280", "4"]] * 3,
        "retrieved": "completed",
        "content": ["video/mp4", len(mp4)],
        "thumbnail": "image/webp",
        "remix": True,
        "edit": True,
        "extend": ["BadRequestError", 400, "invalid_value", "model"],
        "listed": 6,
        "deleted": True,
        "gone": ["NotFoundError", 404, None, None],
        "key": ["AuthenticationError", 401, "invalid_api_key", None],
        "wrong": ["BadRequestError", 400, "invalid_value", "seconds"],
    }
