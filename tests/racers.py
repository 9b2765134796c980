"""Other processes that do the same thing at the same moment, each on several threads."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

THREADS = 5


class Racers:
    """Started once, raced as often as wanted."""

    def __init__(self, processes: int, environment: Mapping[str, str]) -> None:
        words = [sys.executable, "-m", "tests.racers"]
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        env = {**os.environ, **environment}
        self._processes = [subprocess.Popen(words, env=env, **pipes) for _ in range(processes)]
        self.count = processes * THREADS
        for process in self._processes:
            assert self._line(process) == "ready"

    def race(self, call: str, *args: object) -> list[str]:
        """Call `module:function` everywhere at once; "ok", or the name of what each raised."""
        order = json.dumps({"call": call, "args": args, "at": time.time() + 0.02})
        for process in self._processes:
            assert process.stdin
            process.stdin.write(order + "\n")
            process.stdin.flush()
        return [word for process in self._processes for word in json.loads(self._line(process))]

    def close(self) -> None:
        for process in self._processes:
            process.communicate(timeout=20)

    def _line(self, process: "subprocess.Popen[str]") -> str:
        assert process.stdout
        return process.stdout.readline().strip()


@contextmanager
def racers(processes: int = 4, **environment: str) -> Iterator[Racers]:
    """Processes on the database of this test, which must commit what it writes."""
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


def main() -> None:
    import django

    django.setup()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        module, _, name = order["call"].partition(":")
        outcomes: list[str] = []
        words = (getattr(import_module(module), name), order["args"], order["at"], outcomes)
        threads = [threading.Thread(target=_run, args=words) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(json.dumps(outcomes), flush=True)


if __name__ == "__main__":
    main()
