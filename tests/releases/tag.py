"""`python -m tests.releases.tag v0.3.0`: does a tag say the version of the code it is on?

Needs no package, so that the pipeline can ask before it installs anything.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def problems(tag: str, root: Path = ROOT) -> list[str]:
    """Return what does not agree with a tag."""
    version = tag.removeprefix("v")
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    code = re.search(r'(?m)^VERSION = "(.*)"$', (root / "config" / "settings.py").read_text())
    found = {"pyproject.toml": project, "config/settings.py": code[1] if code else "none"}
    other = {file: said for file, said in found.items() if said != version}
    wrong = [f"{file} says {said}, not {version}" for file, said in other.items()]
    if not re.fullmatch(r"v\d+\.\d+\.\d+", tag):
        wrong.append(f"{tag} is not v and three numbers")
    heading = rf"(?m)^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$"
    if not re.search(heading, (root / "CHANGELOG.md").read_text()):
        wrong.append(f"CHANGELOG.md has no heading with date for {version}")
    return wrong


if __name__ == "__main__":
    sys.exit("\n".join(problems(sys.argv[1])) or 0)
