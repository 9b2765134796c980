"""The previous release is the newest tag before the commit, else the recorded commit."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.releases import previous


class Repository:
    """A git repository with one commit, whose pyproject.toml records another as previous."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        self.first = self.commit("")
        self.commit(self.first)

    def git(self, *words: str) -> str:
        own = {
            f"GIT_{who}_{what}": "a@example.com"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        }
        done = subprocess.run(
            ["git", *words], cwd=self.folder, env={**os.environ, **own}, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, recorded: str) -> str:
        project = f'[tool.firstlight]\nprevious-release = "{recorded}"\n'
        (self.folder / "pyproject.toml").write_text(project)
        migration = self.folder / "shop" / "migrations" / f"000{bool(recorded) + 1}_step.py"
        migration.parent.mkdir(parents=True, exist_ok=True)
        migration.touch()
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "step")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def test_previous_release_is_the_recorded_commit_when_there_is_no_tag(
    repository: Repository, tmp_path: Path
) -> None:
    release = previous.find(repository.folder)
    assert release == repository.first
    assert previous.migrations(release, repository.folder) == {("shop", "0001_step")}
    previous.copy_to(tmp_path / "copy", release, repository.folder)
    assert sorted(path.name for path in (tmp_path / "copy").rglob("*.*")) == [
        *("0001_step.py", "pyproject.toml")
    ]


def test_previous_release_is_the_newest_tag_before_the_commit(repository: Repository) -> None:
    repository.git("tag", "v0.2.0")
    # The tagged commit is itself the release; what ran before it is recorded.
    assert previous.find(repository.folder) == repository.first
    repository.commit(repository.first)
    assert previous.find(repository.folder) == "v0.2.0"
    repository.git("tag", "v0.3.0")
    assert previous.find(repository.folder) == "v0.2.0"
    repository.git("tag", "vacation")
    repository.commit(repository.first)
    assert previous.find(repository.folder) == "v0.3.0"


def test_shallow_clone_says_what_it_needs(repository: Repository, tmp_path: Path) -> None:
    repository.git("clone", "--quiet", "--depth", "1", f"file://{repository.folder}", "../shallow")
    with pytest.raises(previous.PreviousReleaseMissing) as raised:
        previous.find(tmp_path / "shallow")
    assert str(raised.value) == (
        f"There is no tag v*, and commit {repository.first} is not here. {previous.HELP}"
    )
    repository.commit(repository.git("rev-parse", "HEAD"))
    repository.git("clone", "--quiet", "--depth", "2", f"file://{repository.folder}", "../deeper")
    with pytest.raises(previous.PreviousReleaseMissing) as raised:
        previous.find(tmp_path / "deeper")
    assert str(raised.value) == f"A newer tag v* may be missing in a shallow clone. {previous.HELP}"


def test_folder_without_history_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(previous.PreviousReleaseMissing) as raised:
        previous.find(tmp_path)
    assert str(raised.value) == f"{tmp_path} is no git checkout. {previous.HELP}"
