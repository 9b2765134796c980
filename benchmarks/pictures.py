"""`python -m benchmarks.pictures`: a server's peak memory when large pictures arrive at once."""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path

import httpx2
from PIL import Image

from benchmarks.process_usage import peak_mb
from tests import environment
from tests.config.serve_process import serving

assert environment

UPLOADS = 5
SIZE = (6400, 6234)  # 39.9 megapixels
SOURCES = {"PNG": "RGBA", "JPEG": "RGB", "WEBP": "RGBA"}


def main() -> None:
    """Print the server's peak memory (VmHWM) before and after UPLOADS parallel uploads."""
    print(
        f"{UPLOADS} parallel uploads of one picture of {SIZE[0] * SIZE[1] / 1e6:.1f} megapixels\n"
    )
    print("| picture | kB | peak before, MB | peak after, MB | answers | seconds |")
    print("|---|---|---|---|---|---|")
    for format, mode in SOURCES.items():
        body = _picture(format, mode)
        with (
            tempfile.TemporaryDirectory() as folder,
            serving(Path(folder), LOG_LEVEL="ERROR", **_without_rates()) as server,
            httpx2.Client(base_url=server.url, timeout=600, trust_env=False) as client,
        ):
            tokens = [_register(client, n) for n in range(UPLOADS)]
            before, began = peak_mb(server.process.pid), time.monotonic()
            with ThreadPoolExecutor(UPLOADS) as pool:
                codes = list(pool.map(partial(_upload, client, format, body), tokens))
            seconds = time.monotonic() - began
            after = peak_mb(server.process.pid)
        print(
            f"| {format} | {len(body) // 1000} | {before} | {after} "
            f"| {sorted(set(codes))} | {seconds:.1f} |",
            flush=True,
        )


def _without_rates() -> dict[str, str]:
    return {name: "off" for name in os.environ if name.startswith("RATE_")}


def _picture(format: str, mode: str) -> bytes:
    body = BytesIO()
    Image.new(mode, SIZE, (30, 90, 160, 200)[: len(mode)]).save(body, format)
    return body.getvalue()


def _register(client: httpx2.Client, n: int) -> str:
    account = {
        "username": f"painter{n}",
        "email": f"painter{n}@example.com",
        "password": "correct-horse-9",
    }
    answer = client.post("/api/auth/register", json=account)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


def _upload(client: httpx2.Client, format: str, body: bytes, token: str) -> int:
    name = {"PNG": "a.png", "JPEG": "a.jpg", "WEBP": "a.webp"}[format]
    answer = client.post(
        "/api/videos/upload",
        files={"file": (name, body, f"image/{format.lower()}")},
        headers={"Authorization": f"Bearer {token}"},
    )
    return answer.status_code


if __name__ == "__main__":
    main()
