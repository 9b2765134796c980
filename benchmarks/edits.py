"""CPU seconds for each operation of an edit, by the minute of the film that it makes.

    python -m benchmarks.edits [WIDTH HEIGHT]

Prints the table of docs/performance.md. The film pans over noise, which is harder to encode than
most that engines make.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import av
import numpy as np

from videos.editing.film import process

SECONDS, RATE, SOUND_RATE = 10, 24, 48000
LIMITS = {
    "seconds": 600, "pixels": 4096 * 2304, "source_pixels": 4096 * 2304, "bytes": 1024**3,
    "memory": 4 * 1024**3, "cpu_seconds": 3600,
}  # fmt: skip


def write_film(path: Path, width: int, height: int) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (height // 8, width // 8 + 300, 3), np.uint8)
    scene = noise.repeat(8, 0).repeat(8, 1)
    with av.open(str(path), "w", format="mp4") as made:
        pictures: Any = made.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv420p"
        sound: Any = made.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        for n in range(SECONDS * RATE):
            shown = np.ascontiguousarray(scene[:height, 4 * n : 4 * n + width])
            made.mux(pictures.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        made.mux(pictures.encode())
        tone = np.sin(np.arange(SECONDS * SOUND_RATE) / 20).astype(np.float32) / 4
        for at in range(0, len(tone), 1024):
            part = np.stack([tone[at : at + 1024]] * 2)
            piece: Any = av.AudioFrame.from_ndarray(part, format="fltp", layout="stereo")
            piece.sample_rate, piece.pts = SOUND_RATE, at
            made.mux(sound.encode(piece))
        made.mux(sound.encode())


def measure(recipe: dict[str, Any], target: Path) -> tuple[float, float]:
    """Return the CPU seconds of a process, and the seconds of the film that it made."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work = json.dumps({"recipe": recipe, "target": str(target), "limits": LIMITS})
    command = [sys.executable, "-I", process.__file__]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        running.stdin.write(work.encode() + b"\n")  # type: ignore[union-attr]
        running.stdin.flush()  # type: ignore[union-attr]
        said = running.stdout.read().splitlines()  # type: ignore[union-attr]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, json.loads(said[-1])["made"]["seconds"]


def operations(one: str, small: str) -> dict[str, dict[str, Any]]:
    clip, other = {"path": one}, {"path": small}
    track = {
        "path": one, "kind": "mov", "mode": "mix", "offset": 0, "volume": 1, "own_volume": 1,
        "fade_in": 1, "fade_out": 1, "repeat": True,
    }  # fmt: skip
    return {
        "trim": {"clips": [{**clip, "start": 2.0, "end": 8.0}]},
        "join two of the same size": {"clips": [clip, clip]},
        "join with another size, bars": {"clips": [clip, other]},
        "join two with a cross-fade of 1 s": {"clips": [clip, clip], "crossfade": 1},
        "reframe to 9:16": {"clips": [clip], "reframe": {"aspect": "9:16"}},
        "twice as fast": {"clips": [clip], "speed": 2},
        "half as fast": {"clips": [clip], "speed": 0.5},
        "loop three times": {"clips": [clip], "loops": 3},
        "mute": {"clips": [clip], "mute": True},
        "replace the sound": {"clips": [clip], "track": {**track, "mode": "replace"}},
        "mix the sound": {"clips": [clip], "track": track},
    }


def main() -> None:
    width, height = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (1280, 720)
    with tempfile.TemporaryDirectory() as folder:
        one, small = Path(folder) / "one.mp4", Path(folder) / "small.mp4"
        write_film(one, width, height)
        write_film(small, height, height)
        sys.stdout.write(f"| operation, {width}x{height} | CPU s per minute of film |\n|---|---|\n")
        for name, recipe in operations(str(one), str(small)).items():
            used, made = measure(recipe, Path(folder) / "made.mp4")
            sys.stdout.write(f"| {name} | {used * 60 / made:.0f} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
