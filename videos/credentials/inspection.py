"""Look into a file of anybody, in a process of its own, so that a hostile one harms only that.

    python -m videos.credentials.inspection PATH < {"own": PEM, "trusted": PEM}

Prints {"sha256", "manifest", "own_state", "frames"}: what `reading.read` says with the `trusted`
certificates, the state with our `own` ones, and `frame_hashes.hashes_of`, [] for no film.
"""

import hashlib
import json
import resource
import sys
from pathlib import Path
from typing import Any

MEMORY_BYTES = 2 * 1024**3
CPU_SECONDS = 20
# By the first bytes, and how far behind the start they stand.
TYPES = (
    (b"ftyp", 4, "video/mp4"),
    (b"GIF8", 0, "image/gif"),
    (b"WEBP", 8, "image/webp"),
    (b"\x89PNG", 0, "image/png"),
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"WAVE", 8, "audio/wav"),
    (b"AVI ", 8, "video/avi"),
    (b"ID3", 0, "audio/mpeg"),
)


def inspect(path: Path, own: str, trusted: str) -> dict[str, Any]:
    """What there is to know about a file."""
    # Import only after the limits of this process are set.
    from videos.credentials import frame_hashes, reading  # noqa: PLC0415

    with path.open("rb") as file:
        head = file.read(16)
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    kind = next((name for mark, at, name in TYPES if head[at:].startswith(mark)), "video/mp4")
    manifest = reading.read(path, kind, trusted)
    state = ""
    if manifest and own:
        state = (reading.read(path, kind, own) or {}).get("state", "")
    try:
        frames: list[int | None] = frame_hashes.hashes_of(str(path))
    except Exception:  # it is no film, or one that nobody can read
        frames = []
    return {"sha256": sha256, "manifest": manifest, "own_state": state, "frames": frames}


def main(path: str) -> None:
    given = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.stdout.write(json.dumps(inspect(Path(path), given["own"], given["trusted"])))


if __name__ == "__main__":
    main(sys.argv[1])
