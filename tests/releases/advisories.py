"""`python -m tests.releases.advisories`: has a locked package a known vulnerability?

Asks OSV (https://osv.dev) by pip-audit. A machine that does not reach the service gets a loud
line and no error, so that checks work without a network.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).parents[2]
SERVICE = "https://api.osv.dev/v1/query"
SECONDS = 120.0
NOT_CHECKED = "NOT CHECKED FOR KNOWN VULNERABILITIES"


def answers(service: str) -> bool:
    """Return whether a service answers a question about one package."""
    question: Any = {"package": {"name": "pip", "ecosystem": "PyPI"}, "version": "26.0"}
    try:
        reply = requests.post(service, json=question, timeout=5)
        return reply.ok and isinstance(reply.json(), dict)
    except requests.RequestException:
        return False


def check(lock: Path, service: str = SERVICE, seconds: float = SECONDS) -> tuple[int, str]:
    """Return an exit code and what to print: 0 when nothing is known, or nobody could say."""
    if not answers(service):
        return 0, f"{NOT_CHECKED}: {service} does not answer."
    command = [sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--no-deps"]
    command += ["--require-hashes", "--requirement", str(lock), "--format", "json"]
    command += ["--vulnerability-service", "osv", "--osv-url", service, "--timeout", "10"]
    command += ["--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return 0, f"{NOT_CHECKED}: {service} took longer than {seconds:g} seconds."
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return 1, f"pip-audit failed:\n{done.stderr[-2000:]}"
    found = [line(package, known) for package in packages for known in package.get("vulns", [])]
    if found or done.returncode:
        return 1, "\n".join(found) or done.stderr
    return 0, f"{len(packages)} packages have no known vulnerability."


def line(package: dict[str, str], known: dict[str, list[str]]) -> str:
    versions = ", ".join(known["fix_versions"]) or "no version"
    return f"{package['name']} {package['version']}: {known['id']}, repaired in {versions}"


if __name__ == "__main__":
    code, text = check(ROOT / "requirements.txt")
    print(f"\n*** {text} ***\n" if text.startswith(NOT_CHECKED) else text)
    sys.exit(code)
