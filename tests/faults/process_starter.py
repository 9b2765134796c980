"""Start processes of the product by forking one that has imported it, in 0.2 s instead of 4.

The forking process reads commands as lines of JSON on its standard input, answers each with a line,
and kills all its children when the input ends.
"""

import contextlib
import faulthandler
import gc
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
IMPORTED = (
    "config.asgi",
    "config.urls",
    "config.management.commands.serve",
    "config.ops.migrations",
    "config.http.csrf_failure",
    "accounts.adapters",
    "accounts.tasks",
    "billing.tasks",
    "showcase.tasks",
    "videos.tasks",
    "videos.engines.openai",
    "videos.sandbox.webhooks",
    "celery.bin.celery",
    "celery.apps.worker",
    "celery.concurrency.thread",
    "celery.beat",
    "kombu.transport.redis",
    "channels_redis.core",
    "psycopg_pool",
    "uvicorn.lifespan.off",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "httpcore2",
    "truststore",
    "anyio.streams.tls",
    "django.db.migrations.executor",
    "django.db.migrations.autodetector",
    "django.views.csrf",
    "tests.faults.kill_points",
    "tests.faults.crashing_process",
)


class ForkedProcess:
    """A forked process, with the interface of Popen that tests use."""

    def __init__(self, starter: "ProcessStarter", pid: int) -> None:
        self.pid = pid
        self._starter = starter
        self._code: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, a negative signal number if one ended it, or None while it runs."""
        if self._code is None:
            self._code = self._starter.send({"poll": self.pid})
        return self._code


class ProcessStarter:
    """The handle of the forking process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.process_starter"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self, words: Sequence[str], log: Path, *, point: str = "", passes: int = 1
    ) -> ForkedProcess:
        order = {"words": words, "log": str(log), "point": point, "passes": passes}
        return ForkedProcess(self, self.send(order))

    def send(self, order: Mapping[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process starter has ended"
        return json.loads(answer)

    def close(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


def kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


# ---- in the forking process ----


def main() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    for name in IMPORTED:
        import_module(name)
    import_module("config.celery").app.finalize()  # the first call of a task would do so
    call_command("check", stdout=sys.stderr)  # as `serve` does; it loads much that is needed later
    gc.freeze()  # otherwise each child searches for garbage, and copies, what all of them share
    codes: dict[int, int | None] = {}
    try:
        for line in sys.stdin:
            order = json.loads(line)
            if "poll" in order:
                answer = _poll(codes, order["poll"])
            else:
                answer = _fork(order)
                codes[answer] = None
            print(json.dumps(answer), flush=True)
    finally:
        for pid in codes:
            if _poll(codes, pid) is None:
                kill_group(pid)


def _poll(codes: dict[int, int | None], pid: int) -> int | None:
    if codes[pid] is None:
        found, status = os.waitpid(pid, os.WNOHANG)
        codes[pid] = os.waitstatus_to_exitcode(status) if found else None
    return codes[pid]


def _fork(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        with contextlib.suppress(PermissionError):
            os.setpgid(pid, pid)  # here too: the child may be killed before it does so itself
        return pid
    code = 1
    try:
        os.setpgid(0, 0)
        _redirect(order["log"])
        _run_child(order)
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(log: str) -> None:
    kept = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(kept, 1)
    os.dup2(kept, 2)


def _run_child(order: dict[str, Any]) -> None:
    from tests.faults import crashing_process, kill_points

    faulthandler.register(signal.SIGUSR2)
    if order["point"]:
        kill_points.arm(order["point"], order["passes"])
    crashing_process.run(order["words"])


if __name__ == "__main__":
    main()
