"""Known vulnerabilities fail the check; a service that nobody reaches does not, and is named.

Each test starts the real pip-audit, which needs a second.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tests.releases import advisories

KNOWN = {
    "id": "PYSEC-2030-1",
    "affected": [
        {
            "package": {"name": "sniffio", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.3.2"}]}],
        }
    ],
}
LOCK = f"sniffio==1.3.1 \\\n    --hash=sha256:{'0' * 64}\n"


@contextmanager
def service(answer: dict[str, object], *, status: int = 200, wait: float = 0) -> Iterator[str]:
    """Serve the API of OSV: one answer for sniffio, none for other packages."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = question["package"]["name"] == "sniffio"
            time.sleep(wait if asked else 0)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer if asked else {}).encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def checked(
    folder: Path, address: str, *, lock: str = LOCK, seconds: float = 60
) -> tuple[int, str]:
    (folder / "requirements.txt").write_text(lock)
    return advisories.check(folder / "requirements.txt", address, seconds)


def test_check_fails_when_a_locked_package_has_a_known_vulnerability(tmp_path: Path) -> None:
    with service({"vulns": [KNOWN]}) as address:
        found = checked(tmp_path, address)
    assert found == (1, "sniffio 1.3.1: PYSEC-2030-1, repaired in 1.3.2")


def test_check_says_how_many_packages_it_asked_about(tmp_path: Path) -> None:
    with service({}) as address:
        found = checked(tmp_path, address)
    assert found == (0, "1 packages have no known vulnerability.")


def test_check_says_loudly_that_nothing_was_checked_when_the_service_is_away(
    tmp_path: Path,
) -> None:
    with service({}, status=405) as address:
        found = checked(tmp_path, address)
    assert found == (0, f"{advisories.NOT_CHECKED}: {address} does not answer.")
    assert checked(tmp_path, "http://127.0.0.1:1/") == (
        0,
        f"{advisories.NOT_CHECKED}: http://127.0.0.1:1/ does not answer.",
    )


def test_check_ends_in_time_when_the_service_is_slow(tmp_path: Path) -> None:
    with service({}, wait=3) as address:
        found = checked(tmp_path, address, seconds=1)
    assert found == (0, f"{advisories.NOT_CHECKED}: {address} took longer than 1 seconds.")


def test_check_fails_when_the_lock_cannot_be_read(tmp_path: Path) -> None:
    with service({}) as address:
        code, text = checked(tmp_path, address, lock="sniffio>=1 \n")
    assert (code, text.splitlines()[0]) == (1, "pip-audit failed:")
