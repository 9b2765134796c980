"""nginx and Caddy in front of a server, as deploy/ configures them."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests import backing

DEPLOY = Path(__file__).parents[1] / "deploy"
PREFIX = "/stored-files/"
Command = Callable[[Path, int, int, Path], list[str]]


def nginx(folder: Path, port: int, server_port: int, media: Path) -> list[str]:
    site = (DEPLOY / "nginx.conf").read_text()
    site = re.sub(r"listen 443 ssl;", f"listen 127.0.0.1:{port};", site)
    site = re.sub(r"\n.*ssl_certificate.*", "", site)
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{server_port}")
    site = site.replace("/srv/firstlight/media/", f"{media}/")
    (folder / "site.conf").write_text(site)
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"user root;\ndaemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\ninclude /etc/nginx/mime.types;\naccess_log off;\n{temporary}"
        f"include {folder}/site.conf;\n}}\n"
    )
    return ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]


def caddy(folder: Path, port: int, server_port: int, media: Path) -> list[str]:
    site = (DEPLOY / "Caddyfile").read_text()
    site = site.replace("studio.example.com {", f"http://127.0.0.1:{port} {{")
    site = site.replace("127.0.0.1:8000", f"127.0.0.1:{server_port}")
    site = site.replace("/srv/firstlight/media", str(media))
    (folder / "Caddyfile").write_text("{\nadmin off\n}\n" + site)
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


@contextmanager
def running(command: Command, server_port: int, media: Path, folder: Path) -> Iterator[str]:
    """Yield the address of a proxy that sends the files of `media`; it writes to `folder`."""
    port = backing.free_port()
    words = command(folder, port, server_port, media)
    assert shutil.which(words[0]), f"{words[0]} is not installed"
    own = {**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder, env=own)
        try:
            _wait_for(f"http://127.0.0.1:{port}/livez", process, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def _wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(200):
        assert process.poll() is None, log.read_text()
        try:
            assert httpx2.get(url).status_code == 200
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())
