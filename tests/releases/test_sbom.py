"""`make sbom` writes what requirements.txt locks, as CycloneDX describes it."""

import json
import re
import subprocess
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from django.conf import settings

from tests.releases import sbom

ROOT = Path(settings.BASE_DIR)


def test_file_of_a_release_lists_exactly_what_is_locked(tmp_path: Path) -> None:
    file = tmp_path / "release" / "firstlight.cdx.json"
    subprocess.run(["make", "-s", "sbom", f"SBOM={file}"], cwd=ROOT, check=True)
    made = json.loads(file.read_text())
    lock = (ROOT / "requirements.txt").read_text()
    locked = re.findall(r"(?m)^[^\s#].*==.*$", lock)
    parts = made["components"]
    assert len(locked) > 100
    assert [f"{part['name']}=={part['version']}" for part in parts] == [
        re.sub(r"\[.*?\]", "", line.split(" ")[0]) for line in locked
    ]
    product = made["metadata"]["component"]
    assert (product["name"], product["version"]) == ("firstlight", settings.VERSION)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(file.read_text()) is None
    sbom.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == file.read_bytes()


def test_marker_of_a_package_is_kept() -> None:
    project = {"name": "x", "version": "1.0.0", "description": "y", "license": "MIT"}
    lock = "colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:00\n    # via click\n"
    assert sbom.bill(lock, project)["components"] == [
        {
            "type": "library",
            "bom-ref": "pkg:pypi/colorama@0.4.6",
            "name": "colorama",
            "version": "0.4.6",
            "purl": "pkg:pypi/colorama@0.4.6",
            "properties": [{"name": "firstlight:only-where", "value": "sys_platform == 'win32'"}],
        }
    ]
