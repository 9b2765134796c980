"""Processes that call the same function at the same moment, each on several threads."""

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlsplit

THREADS = 5


class Racers:
    """Racing processes: started once, used for any number of races."""

    def __init__(self, processes: int, environment: Mapping[str, str]) -> None:
        words = [sys.executable, "-m", "tests.racers", str(processes)]
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._parent = subprocess.Popen(words, env={**os.environ, **environment}, **pipes)
        self.count = processes * THREADS
        assert self._answer() == "ready"

    def race(self, call: str, *args: object) -> list[str]:
        """Call `module:function` everywhere; return "ok", "no" or the exception of each call."""
        assert self._parent.stdin
        order = {"call": call, "args": args, "at": time.time() + 0.02}
        self._parent.stdin.write(json.dumps(order) + "\n")
        self._parent.stdin.flush()
        return list(self._answer())

    def close(self) -> None:
        self._parent.communicate(timeout=20)

    def _answer(self) -> Any:
        assert self._parent.stdout
        return json.loads(self._parent.stdout.readline())


@contextmanager
def racers(processes: int = 4, **environment: str) -> Iterator[Racers]:
    """Start processes on the database of this test, which must commit what it writes."""
    from django.db import connection

    name = str(connection.settings_dict["NAME"])
    own = {"DATABASE_URL": "", "DATABASE_PATH": name, "LOG_LEVEL": "CRITICAL"}
    if connection.vendor != "sqlite":
        own["DATABASE_URL"] = (
            urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
        )
    team = Racers(processes, own | environment)
    try:
        yield team
    finally:
        team.close()


def _run(call: Any, args: list[Any], at: float, outcomes: list[str]) -> None:
    from django.db import connection

    connection.ensure_connection()
    time.sleep(max(at - time.time(), 0))
    try:
        outcomes.append("ok" if call(*args) is not False else "no")
    except Exception as error:
        outcomes.append(type(error).__name__)
    finally:
        connection.close()


def _race(pipe: Connection) -> None:
    """Run each order on several threads of this process until the pipe is closed."""
    with suppress(EOFError):
        while True:
            order = pipe.recv()
            module, _, name = order["call"].partition(":")
            outcomes: list[str] = []
            words = (getattr(import_module(module), name), order["args"], order["at"], outcomes)
            threads = [threading.Thread(target=_run, args=words) for _ in range(THREADS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            pipe.send(outcomes)


def main() -> None:
    """Fork the processes from one that has imported the product, which costs seconds."""
    import django

    django.setup()
    import_module("config.urls")
    fork = multiprocessing.get_context("fork")
    pipes = []
    for _ in range(int(sys.argv[1])):
        ours, theirs = fork.Pipe()
        fork.Process(target=_race, args=[theirs], daemon=True).start()
        pipes.append(ours)
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        for pipe in pipes:
            pipe.send(json.loads(line))
        print(json.dumps([word for pipe in pipes for word in pipe.recv()]), flush=True)


if __name__ == "__main__":
    main()
