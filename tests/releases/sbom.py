"""`python -m tests.releases.sbom FILE`: what a release is made of, as CycloneDX 1.6 (make sbom).

Needs no package. The same lock makes the same bytes, so that anybody can compare a release's file.
"""

import json
import re
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCKED = re.compile(r"(?m)^([\w.-]+)(?:\[.*?\])?==([^\s;\\]+)(?: ; (.*?))?(?: \\)?$")


def bill(lock: str, project: dict[str, Any]) -> dict[str, Any]:
    """Return the bill of the packages that a lock names."""
    parts = [component(*found) for found in LOCKED.findall(lock)]
    product = {
        "type": "application",
        "bom-ref": project["name"],
        "name": project["name"],
        "version": project["version"],
        "description": project["description"],
        "licenses": [{"license": {"id": project["license"]}}],
    }
    references = [part["bom-ref"] for part in parts]
    text = json.dumps([product, parts], sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, text)}",
        "version": 1,
        "metadata": {"component": product},
        "components": parts,
        "dependencies": [
            {"ref": project["name"], "dependsOn": references},
            *({"ref": reference} for reference in references),
        ],
    }


def component(name: str, version: str, marker: str) -> dict[str, Any]:
    """Return one package; a marker says on which machines only it is installed."""
    address = f"pkg:pypi/{name.lower()}@{version.replace('+', '%2B')}"
    part: dict[str, Any] = {"type": "library", "bom-ref": address, "name": name}
    part |= {"version": version, "purl": address}
    if marker:
        part["properties"] = [{"name": "firstlight:only-where", "value": marker}]
    return part


def write(target: Path, root: Path = ROOT) -> None:
    """Write the bill of requirements.txt; the folder of the file is made."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    made = bill((root / "requirements.txt").read_text(), project)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(made, indent=2) + "\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
