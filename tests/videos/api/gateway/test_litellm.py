"""LiteLLM's proxy in front of /v1: the SDK of OpenAI calls the proxy, and the proxy calls us."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import openai
import pytest

from accounts.models import User
from billing.ledger import credits
from tests.backing import free_port
from tests.conftest import ServerThread
from tests.videos.api.gateway.clients import key_of, sdk
from tests.videos.conftest import picture
from videos.models import Video

VERSION = "1.108.7"
MASTER_KEY = "sk-proxy"


def install(folder: Path) -> Path:
    """Install LiteLLM into an environment of its own, and return its program."""
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=60)
    pip = [str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", "--no-compile"]
    subprocess.run([*pip, f"litellm[proxy]=={VERSION}"], check=True, timeout=300)
    return folder / "venv/bin/litellm"


@contextmanager
def proxied(program: Path, folder: Path, url: str, key: str) -> Iterator[str]:
    """Run the proxy with this server as the place of its models, and yield its URL."""
    model = {"model": "openai/sora-2", "api_base": f"{url}/v1", "api_key": key}
    names = [{"model_name": "sora-2", "litellm_params": model}]
    config = {"model_list": names, "general_settings": {"master_key": MASTER_KEY}}
    (folder / "proxy.yaml").write_text(json.dumps(config))
    port = free_port()
    proxy = subprocess.Popen(
        [program, "--config", folder / "proxy.yaml", "--host", "127.0.0.1", "--port", str(port)],
        cwd=folder,
        env={name: text for name, text in os.environ.items() if name != "DATABASE_URL"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        proxy.terminate()
        proxy.wait(20)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{url}/health/liveliness").is_success:
                return
        except httpx2.TransportError:
            time.sleep(0.2)
    raise TimeoutError(url)


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_video_is_made_and_fetched_through_the_proxy(
    live: ServerThread, alice: User, tmp_path: Path, finish: Callable[[Video], Video]
) -> None:
    credits.grant(alice, 1000, credits.Kind.EARNED, "rich", expires_at=None)
    with proxied(install(tmp_path), tmp_path, live.url, key_of(alice)) as url:
        client = sdk(url, MASTER_KEY)
        image = ("boat.png", picture(size=(720, 1280)), "image/png")
        made = client.videos.create(prompt="A boat", model="sora-2", input_reference=image)
        finish(Video.objects.get())
        assert client.videos.retrieve(made.id).status == "completed"
        assert client.videos.download_content(made.id).read()[4:8] == b"ftyp"
        client.videos.remix(made.id, prompt="At night")
        assert Video.objects.filter(operation="remix").count() == 1
        with pytest.raises(openai.BadRequestError) as refused:
            client.videos.create(prompt="A boat", model="sora-2", size="1792x1024")
        assert "Sora 2 makes 1280x720, 720x1280." in str(refused.value)
