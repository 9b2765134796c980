"""/developers/: the programs that it shows make a video when they are run."""

import html
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.auth import api_keys
from accounts.models import User
from tests.conftest import ServerThread
from tests.markup import flat
from videos.models import Video


def programs(page: Client) -> dict[str, str]:
    """Return the text of every piece of code on the page by its id."""
    text = page.get("/developers/").content.decode()
    found = re.findall(r'id="code-([\w-]+)"[^>]*>\s*<code>(.*?)</code>', text, re.DOTALL)
    return {name: html.unescape(code) for name, code in found}


def start(folder: Path, name: str, code: str, user: User, *command: str) -> "subprocess.Popen[str]":
    """Start a program of the page in a folder of its own, with a key as the page says."""
    own = folder / name
    own.mkdir()
    (own / "program.mjs").write_text(code)
    key = api_keys.issue(user, name, ["read", "generate"])[1]
    kept = {"PATH": os.environ["PATH"], "HOME": str(folder), "KEY": key}
    output = (own / "output").open("w")
    return subprocess.Popen(
        [*command, *([] if command[0] == "node" else [code])],
        cwd=own, env=kept, stdout=output, stderr=output, text=True,
    )  # fmt: skip


def is_mp4(path: Path) -> bool:
    return path.exists() and path.read_bytes()[4:8] == b"ftyp"


def run_all(
    work: Callable[..., None], running: dict[str, "subprocess.Popen[str]"], folder: Path
) -> None:
    """Work until the programs have ended, and check that each has fetched a video."""
    work(lambda: all(each.poll() is not None for each in running.values()), 60)
    said = {name: (folder / name / "output").read_text() for name in running}
    assert [each.returncode for each in running.values()] == [0] * len(running), said
    assert [is_mp4(folder / name / "video.mp4") for name in running] == [True] * len(running), said
    assert sorted(Video.objects.values_list("api_key__name", "status")) == [
        (name, "succeeded") for name in sorted(running)
    ]


# Two real programs, each of which waits for a video; at the same time.
@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_programs_for_curl_and_python_make_a_video(
    live: ServerThread, alice: User, page: Client, work: Callable[..., None], tmp_path: Path
) -> None:
    shown = programs(page)
    running = {
        "curl": start(tmp_path, "curl", shown["curl"], alice, "sh", "-euc"),
        "python": start(tmp_path, "python", shown["python"], alice, sys.executable, "-c"),
    }
    run_all(work, running, tmp_path)


@pytest.mark.thorough
@pytest.mark.timeout(240)
@pytest.mark.skipif(not shutil.which("npm"), reason="needs Node")
def test_programs_for_node_make_a_video(
    live: ServerThread, alice: User, page: Client, work: Callable[..., None], tmp_path: Path
) -> None:
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "openai"]
    subprocess.run(install, cwd=tmp_path, check=True, timeout=120)
    shown = programs(page)
    running = {
        name: start(tmp_path, name, shown[name], alice, "node", "program.mjs")
        for name in ("openai-js", "fetch-js")
    }
    run_all(work, running, tmp_path)


def test_programs_name_this_server_and_a_model_that_it_offers(
    page: Client, settings: LazySettings
) -> None:
    settings.BASE_URL = "https://films.example.com"
    shown = programs(page)
    assert shown["key"] == "export KEY=fl_…"
    assert shown["mcp"] == "https://films.example.com/mcp"
    for name in ("curl", "python", "openai-js", "fetch-js"):
        assert "https://films.example.com" in shown[name]
        assert re.search(r"model[\": =]+\"sora-2\"", shown[name])
    assert 'href="/api/docs"' in flat(page.get("/developers/"))


def test_form_knows_the_price_of_every_choice(page: Client, settings: LazySettings) -> None:
    prices = page.get("/developers/").context["prices"]
    assert prices["sora-2"]["1280x720"] == {4: 20, 8: 20, 12: 20, 16: 27, 20: 34}
    settings.BILLING = False
    assert set(page.get("/developers/").context["prices"]["sora-2"]["1280x720"].values()) == {0}
