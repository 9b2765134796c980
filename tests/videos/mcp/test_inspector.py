"""The Inspector lists and calls our tools; npm gets it and a Node that can run it."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from accounts.models import User
from tests.conftest import ServerThread
from tests.videos.mcp.clients import key_of

# The newest Node that an Inspector of today asks for is newer than that of most machines.
PACKAGES = ["@modelcontextprotocol/inspector@2.12.0", "node@22.23.3"]


@pytest.mark.thorough
@pytest.mark.timeout(300)
@pytest.mark.skipif(not shutil.which("npm"), reason="needs Node")
def test_inspector_finds_nothing_wrong_in_both_eras(
    live: ServerThread, alice: User, tmp_path: Path
) -> None:
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
    subprocess.run([*npm, *PACKAGES], cwd=tmp_path, check=True, timeout=200)
    key = key_of(alice)

    def inspect(*words: str) -> subprocess.CompletedProcess[str]:
        bin_folder = tmp_path / "node_modules" / ".bin"
        target = [f"{live.url}/mcp", "--transport", "http", "--header", f"X-API-Key: {key}"]
        return subprocess.run(
            ["mcp-inspector", "--cli", *target, *words],
            env={**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    for era in ("legacy", "modern"):
        listed = inspect("--protocol-era", era, "--method", "tools/list", "--strict")
        assert (listed.returncode, listed.stderr) == (0, "")
        assert len(json.loads(listed.stdout)["tools"]) == 13
    called = ["--method", "tools/call", "--tool-name", "create_video"]
    made = inspect(*called, "--tool-arg", "prompt=A boat", "seconds=8")
    assert json.loads(made.stdout)["structuredContent"]["seconds"] == 8
