"""The previous release: what ran before an upgrade to this code.

It is the newest tag `v*` before this commit. As long as there is none, pyproject.toml names a
commit.
"""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
MIGRATION = re.compile(r"(?:\w+/)*(\w+)/migrations/(\d{4}_\w+)\.py")
HELP = "This needs the history of the repository: git fetch --unshallow --tags"


class PreviousReleaseMissing(Exception):
    """Why this checkout cannot tell what the previous release was."""


def find(root: Path = ROOT) -> str:
    """Return the tag or the commit of the previous release. Raises PreviousReleaseMissing."""
    if not _succeeds(root, "rev-parse", "--git-dir"):
        raise PreviousReleaseMissing(f"{root} is no git checkout. {HELP}")
    before = ["--match", "v[0-9]*", "--abbrev=0", "HEAD^"]
    if _succeeds(root, "describe", "--tags", *before):
        return _git(root, "describe", "--tags", *before).decode().strip()
    project = tomllib.loads((root / "pyproject.toml").read_text())
    commit = str(project["tool"]["firstlight"]["previous-release"])
    if not _succeeds(root, "cat-file", "-e", f"{commit}^{{commit}}"):
        raise PreviousReleaseMissing(f"There is no tag v*, and commit {commit} is not here. {HELP}")
    if _git(root, "rev-parse", "--is-shallow-repository").decode().strip() == "true":
        raise PreviousReleaseMissing(f"A newer tag v* may be missing in a shallow clone. {HELP}")
    return commit


def migrations(release: str, root: Path = ROOT) -> set[tuple[str, str]]:
    """Return the app and the name of each migration of a release."""
    names = _git(root, "ls-tree", "-r", "--name-only", release).decode().splitlines()
    found = (MIGRATION.fullmatch(name) for name in names)
    return {(match[1], match[2]) for match in found if match}


def copy_to(folder: Path, release: str, root: Path = ROOT) -> None:
    """Write the files of a release to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    files = _git(root, "archive", release)
    subprocess.run(["tar", "-x", "-C", folder], input=files, check=True)


def _git(root: Path, *words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=root, capture_output=True, check=True).stdout


def _succeeds(root: Path, *words: str) -> bool:
    command = ["git", *words]
    return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0
