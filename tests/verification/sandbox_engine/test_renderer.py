"""Renders of the sandbox engine when a process is killed or a render fails."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from django.conf import LazySettings
from openai.types import Video

from tests.verification.sandbox_engine.client import Sandbox
from videos.sandbox.rendering import renderer


def test_next_poll_starts_another_renderer_when_one_was_killed(
    sandbox: Sandbox, tmp_path: Path, settings: LazySettings
) -> None:
    settings.SANDBOX_DIR = tmp_path
    body = {"prompt": "ridges", "size": "1280x720", "seconds": "20"}
    video = sandbox.client.post("/videos", body=body, cast_to=Video)
    sandbox.wait_until(lambda: any((tmp_path / "renders").glob("*.progress")))
    child = renderer._queue._child
    assert child is not None
    os.kill(child.process.pid, signal.SIGKILL)
    child.process.wait()
    encoded = int(next((tmp_path / "renders").glob("*.progress")).read_text())
    waiting = sandbox.client.videos.retrieve(video.id)
    assert (waiting.status, encoded <= waiting.progress < 99) == ("in_progress", True)
    assert sandbox.client.videos.poll(video.id).status == "completed"
    left = {file.suffix for file in (tmp_path / "renders").iterdir()}
    assert left == {"", ".mp4", ".webp", ".jpg"}


def test_renderer_ends_when_nobody_requests_a_clip_and_the_next_request_starts_another(
    sandbox: Sandbox, tmp_path: Path, settings: LazySettings
) -> None:
    settings.SANDBOX_DIR = tmp_path
    idle = [sys.executable, "-m", renderer.CHILD, "0", "0.2"]
    with subprocess.Popen(idle, stdin=subprocess.PIPE) as child:
        assert child.wait(20) == 0
    assert sandbox.create_completed("sea").status == "completed"


def test_job_completes_when_its_server_was_killed(
    sandbox: Sandbox, tmp_path: Path, settings: LazySettings
) -> None:
    settings.SANDBOX_DIR = tmp_path
    script = (
        "import django, sys, time; from pathlib import Path; from django.conf import settings;"
        "settings.configure(SANDBOX_DIR=Path(sys.argv[1]), SANDBOX_SPEED=20.0,"
        " SANDBOX_DETAIL='draft', SANDBOX_WEBHOOK_URL='', SANDBOX_WEBHOOK_SECRET='');"
        "from videos.sandbox.jobs.creation import CreateRequest, create;"
        "from hashlib import sha256; owner = sha256(sys.argv[2].encode()).hexdigest();"
        "job = create(owner, CreateRequest('sea', 'sora-2', '720x1280', '4', None));"
        "from videos.sandbox.rendering import renderer;"
        "print(job.id, renderer._queue._child.process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), sandbox.key], stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        video_id, pid = server.stdout.readline().decode().split()
        server.kill()
    sandbox.wait_until(lambda: not _is_running(int(pid)))
    video = sandbox.client.videos.poll(video_id)
    assert (video.status, video.progress) == ("completed", 100)


def _is_running(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_job_fails_and_the_next_one_renders_again_when_a_render_fails(
    sandbox: Sandbox, tmp_path: Path, settings: LazySettings
) -> None:
    settings.SANDBOX_DIR = tmp_path
    obstacle = tmp_path / "renders"
    obstacle.mkdir()
    made = sandbox.client.videos.create(prompt="sea [[slow:600]]")
    sandbox.wait_until(lambda: any(obstacle.glob("*.mp4")))
    clip = next(obstacle.glob("*.mp4"))
    clip.with_suffix(".failed").write_text("on purpose")
    clip.unlink()
    video = sandbox.client.videos.retrieve(made.id)
    assert (video.status, video.error and video.error.code) == ("failed", "internal_error")
    assert sandbox.create_completed("sea").status == "completed"
    assert sandbox.client.videos.retrieve(made.id).status == "failed"
