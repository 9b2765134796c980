"""`python -m tests.deploy.manifests`: hold deploy/kubernetes against the schemas of Kubernetes."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
# The oldest version of Kubernetes that docs/deploy.md promises, and the newest with schemas here.
VERSIONS = ("1.32", "1.37")

Manifest = dict[str, Any]


def read(folder: Path = FOLDER) -> dict[Path, list[Manifest]]:
    """Return the objects for a cluster by file: all but what kustomize and Helm read."""
    found = {path: _objects(path.read_text()) for path in sorted(folder.glob("*/**/*.yaml"))}
    return {path: every for path, every in found.items() if path.name != "kustomization.yaml"}


def problems_of(text: str) -> Iterator[str]:
    """Yield what the schemas refuse in a file, unknown fields included."""
    for manifest in _objects(text):
        name = f"{manifest['kind']} {manifest['metadata']['name']}"
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(manifest, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                yield f"{name}, Kubernetes {version}: {_first_line(error.message)}"
            except kubernetes_validate.SchemaNotFoundError as error:
                yield f"{name}: {error.message}"


def _objects(text: str) -> list[Manifest]:
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


def _first_line(message: str) -> str:
    return message if len(message) <= 200 else f"… {message[-200:]}"


def main() -> int:
    files = list(read())
    found = [f"{file}: {problem}" for file in files for problem in problems_of(file.read_text())]
    print("\n".join(found) or f"{len(files)} files of Kubernetes objects are valid.")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
