"""`python -m benchmarks.files`: how fast a large file is sent, by the server and by nginx.

`MB=500` sets its size. The floor is nginx that sends the same file without asking anybody.
"""

import http.client
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from benchmarks.figures import Figure, Goal, table
from benchmarks.process_usage import cpu_seconds, peak_mb, stat_fields
from tests import environment, proxies
from tests.config.serve_process import ServeProcess, serving

assert environment

MEGABYTES = int(os.environ.get("MB", "200"))
ROUNDS = 9
GOALS = {
    "nginx with X_ACCEL_PREFIX": Goal(ratio=0.8, at_least=True),
    "the server": Goal(ratio=0.5, at_least=True),
}


@dataclass
class Way:
    """One way to the file, and what each round measured: MB/s, and CPU seconds per GB."""

    name: str
    url: str
    token: str
    cpu: Callable[[], float]
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    def measure(self) -> None:
        began, used = time.perf_counter(), self.cpu()
        size = _read_all(self.url, self.token)
        self.rates.append(size / 1e6 / (time.perf_counter() - began))
        self.costs.append((self.cpu() - used) / (size / 1e9))


def measure(*, quick: bool = False) -> list[Figure]:
    """Print a table of MB/s, its ratio to the floor, CPU per GB, and the server's peak memory."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        alone = stack.enter_context(serving(_new(folder, "alone"), **_options()))
        behind = stack.enter_context(
            serving(_new(folder, "behind"), **_options(X_ACCEL_PREFIX=proxies.PREFIX))
        )
        media = Path(folder) / "behind" / "data" / "media"
        front = stack.enter_context(
            proxies.running(proxies.nginx, behind.port, media, _new(folder, "front"))
        )
        plain = stack.enter_context(
            proxies.running(_plain_nginx, behind.port, media, _new(folder, "plain"))
        )
        addresses = {each.port: _large_video(each) for each in (alone, behind)}
        path, token, stored = addresses[behind.port]
        ways = [
            Way("nginx alone", f"{plain}/{stored}", "", lambda: _cpu_of_nginx(plain)),
            Way("nginx with X_ACCEL_PREFIX", front + path, token, lambda: _cpu_of_nginx(front)),
            Way("the server", alone.url + addresses[alone.port][0], addresses[alone.port][1],
                lambda: cpu_seconds(alone.process.pid)),
        ]  # fmt: skip
        for _ in range(3 if quick else ROUNDS):
            for way in ways:
                way.measure()
        return _figures(ways, peak_mb(alone.process.pid))


def _figures(ways: list[Way], peak: int) -> list[Figure]:
    print(f"A file of {MEGABYTES} MB, medians of {len(ways[0].rates)} turns; peak {peak} MB\n")
    print("| | MB/s | ratio | CPU s/GB |")
    print("|---|---|---|---|")
    floor, figures = statistics.median(ways[0].rates), []
    for way in ways:
        rate, cost = statistics.median(way.rates), statistics.median(way.costs)
        print(f"| {way.name} | {rate:,.0f} | {rate / floor:.2f} | {cost:.2f} |")
        if goal := GOALS.get(way.name):
            name = f"film from {way.name}"
            figures.append(Figure(name, rate, "MB/s", goal, floor, ways[0].name))
    return figures


def _options(**more: str) -> dict[str, str]:
    rates = {name: "off" for name in os.environ if name.startswith("RATE_")}
    return {"LOG_LEVEL": "ERROR", "SANDBOX_SPEED": "20", **rates, **more}


def _new(folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.mkdir()
    return path


def _large_video(server: ServeProcess) -> tuple[str, str, str]:
    """Return the path of a video's content, its owner's token, and the name of its file."""
    with httpx2.Client(base_url=server.url, timeout=60, trust_env=False) as client:
        body = {"username": "bench", "email": "b@example.com", "password": "correct horse battery"}
        token: str = client.post("/api/auth/register", json=body).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        video = client.post("/api/videos", json={"prompt": "A boat"}).json()["id"]
        while (status := client.get(f"/api/videos/{video}").json()["status"]) != "completed":
            assert status not in {"failed", "cancelled"}, status
            time.sleep(0.5)
    media = server.log.parent / "data" / "media"
    file = max(media.rglob("*.mp4"), key=lambda path: path.stat().st_mtime)
    with file.open("wb") as handle:
        for _ in range(MEGABYTES):
            handle.write(os.urandom(1_000_000))
    return f"/api/videos/{video}/content", token, str(file.relative_to(media))


def _plain_nginx(folder: Path, port: int, server_port: int, media: Path) -> list[str]:
    command = proxies.nginx(folder, port, server_port, media)
    (folder / "site.conf").write_text(
        f"server {{\nlisten 127.0.0.1:{port};\nroot {media};\nsendfile on;\n"
        "location = /livez { return 200; }\n}\n"
    )
    return command


def _read_all(url: str, token: str) -> int:
    parts, buffer, size = urlsplit(url), bytearray(1 << 20), 0
    connection = http.client.HTTPConnection(parts.netloc, timeout=120)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection.request("GET", parts.path, headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    while count := answer.readinto(buffer):
        size += count
    connection.close()
    assert size == MEGABYTES * 1_000_000, size
    return size


def _cpu_of_nginx(address: str) -> float:
    """Return the CPU seconds of the nginx that listens there: its master's children do the work."""
    port = str(urlsplit(address).port)
    workers = [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and _is_worker(process, port)
    ]
    return sum(map(cpu_seconds, workers))


def _is_worker(process: Path, port: str) -> bool:
    """Return whether a process is a worker of the nginx whose site listens at this port."""
    try:
        parent = stat_fields(process.name)[1]
        command = (Path("/proc") / parent / "cmdline").read_text()
        found = re.search(r"nginx: master.*-c (\S+)/nginx\.conf", command)
        return found is not None and f":{port};" in Path(found[1], "site.conf").read_text()
    except OSError:  # it has ended meanwhile
        return False


if __name__ == "__main__":
    print(table(measure()))
