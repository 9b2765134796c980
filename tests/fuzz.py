"""`python -m tests.fuzz`: generated requests of two users against the whole product.

Finds server errors, answers that the schema does not describe, and access to another user's
objects. Options are passed on to schemathesis (`--max-examples 200`, `--phases fuzzing`).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from tests import migrated
from tests.backing import free_port

ROOT = Path(__file__).resolve().parent.parent
# Calls that would end the sessions of the run, calls that only engines make, and those of OpenAI's
# API that are answered 501.
LEFT_OUT = (
    r"logout|/account$|/password$|webhook/stripe|callback|api/webhooks/\{engine\}|/refresh$"
    r"|/characters"
)
PEOPLE = ("alice", "bob")
LIMITS = ("SIGN_IN", "AUTH", "GENERATE", "TASKS", "OTHER", "ANONYMOUS", "AUTH_FAILURES")
UNLIMITED = {f"RATE_{name}": "off" for name in LIMITS}
# Other tests check which requests are accepted and refused: a
# generated package, id or image is refused for good reasons.
SKIPPED = "positive_data_acceptance,negative_data_rejection,unsupported_method"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Run `manage.py serve` and yield its URL."""
    port = free_port()
    settings = {
        **UNLIMITED, "ENVIRONMENT": "test", "ENV_FILE": os.devnull, "DATA_DIR": str(folder),
        "PORT": str(port), "SANDBOX_SPEED": "0", "SANDBOX_DETAIL": "draft", "LOG_LEVEL": "ERROR",
        "DEFAULT_USER_CREDITS": "100000000", "MODERATION_STRIKES": "0",
        "DJANGO_SETTINGS_MODULE": "tests.e2e.site_settings",  # hashes passwords fast
    }  # fmt: skip
    migrated.copy_to(folder)
    with (folder / "serve.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT, env={**os.environ, **settings}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield wait_for(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait(20)


def wait_for(url: str) -> str:
    for _ in range(600):
        try:
            with urlopen(f"{url}/health"):
                return url
        except URLError:
            time.sleep(0.1)
    raise TimeoutError(url)


def register(url: str, name: str) -> None:
    body = {"email": f"{name}@example.com", "username": name, "password": f"{name}-tin-lantern"}
    sent = Request(f"{url}/api/auth/register", json.dumps(body).encode())
    sent.add_header("Content-Type", "application/json")
    with urlopen(sent):
        pass


def configure(folder: Path) -> list[str]:
    """Write how both users sign in, in the format of schemathesis; return its options."""
    sign_in = {
        "endpoint": "/api/auth/login",
        "verb": "POST", "contentType": "application/json",
        "token": {
            "extractFrom": "body", "extractSelector": "/token", "sendIn": "header",
            "sendName": "Authorization", "sendTemplate": "Bearer {token}",
        },
    }  # fmt: skip
    people = []
    for name in PEOPLE:
        password = {
            "username": name, "password": f"{name}-tin-lantern",
            "usernameField": "username", "passwordField": "password",
        }  # fmt: skip
        people.append({"name": name, "loginEndpointAuth": {**sign_in, "payloadUserPwd": password}})
    (folder / "people.json").write_text(json.dumps({"schemaVersion": "0.2.0", "auth": people}))
    config = folder / "fuzz.toml"
    config.write_text(f'[auth.wfc]\npath = "{folder}/people.json"\npeers = {json.dumps(PEOPLE)}\n')
    return ["--config-file", str(config)]


def run(*options: str) -> int:
    with tempfile.TemporaryDirectory() as name, served(Path(name)) as url:
        for person in PEOPLE:
            register(url, person)
        command = [
            str(Path(sys.executable).with_name("schemathesis")), *configure(Path(name)), "run",
            f"{url}/api/schema", "--exclude-path-regex", LEFT_OUT, "--exclude-checks", SKIPPED,
            "--seed", "1", "--continue-on-failure", "--request-timeout", "30", *options,
        ]  # fmt: skip
        code = subprocess.run(command, cwd=name, check=False).returncode
        errors = (Path(name) / "serve.log").read_text()
        if "Traceback" in errors:
            print(errors[-4000:])
        return code


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
