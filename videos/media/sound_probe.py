"""Check a sound file in a process of its own, so that a hostile file can harm only that process.

    python sound_probe.py PATH mp3|m4a|wav|ogg

Imports nothing of ours. Prints {"seconds"} of sound that can be decoded, or {"refused": why}.
"""

import json
import resource
import sys
from pathlib import Path
from typing import Any

MEMORY_BYTES = 1024**3
CPU_SECONDS = 20
DEMUXERS = {"mp3": "mp3", "m4a": "mov", "wav": "wav", "ogg": "ogg"}
NAMES = {"mp3": "an MP3", "m4a": "an M4A", "wav": "a WAV", "ogg": "an Ogg"}
CODECS = {"mp3", "aac", "alac", "vorbis", "opus", "flac"}
OPTIONS = {"protocol_whitelist": "file", "enable_drefs": "0", "use_absolute_path": "0"}
# So much is decoded: a file whose beginning plays is sound.
DECODED_SECONDS = 5


class Refused(Exception):
    """The file is not accepted; the text tells the user why."""


def check_head(head: bytes, kind: str) -> None:
    """Raise Refused unless a file of this kind begins so."""
    is_so = {
        "mp3": head[:3] == b"ID3" or (head[0:1] == b"\xff" and head[1:2] >= b"\xe0"),
        "m4a": head[4:8] == b"ftyp",
        "wav": head[:4] in {b"RIFF", b"RF64"} and head[8:12] == b"WAVE",
        "ogg": head[:4] == b"OggS",
    }
    if not is_so[kind]:
        raise Refused(f"The file is not {NAMES[kind]} file.")


def probe(path: str, kind: str) -> dict[str, Any]:
    """Raise Refused unless `path` is sound of this kind that can be decoded."""
    # Import only after the limits of this process are set.
    import av  # noqa: PLC0415

    try:
        with av.open(
            path, format=DEMUXERS[kind], options=OPTIONS, metadata_errors="replace"
        ) as container:
            return _check_stream(container)
    except (av.FFmpegError, ValueError, StopIteration) as error:
        raise Refused("The sound cannot be played.") from error


def _check_stream(container: Any) -> dict[str, Any]:
    stream = next(iter(container.streams.audio), None)
    if stream is None:
        raise Refused("The file has no sound.")
    name = stream.codec_context.codec.canonical_name
    if name not in CODECS and not name.startswith("pcm_"):
        raise Refused(f"Sound with the codec {name} is not accepted.")
    decoded = 0.0
    for frame in container.decode(stream):
        decoded += frame.samples / frame.sample_rate
        if decoded >= DECODED_SECONDS:
            break
    container.seek(0)
    base = float(stream.time_base or 0)
    times = [
        (packet.pts * base, (packet.pts + (packet.duration or 0)) * base)
        for packet in container.demux(stream)
        if packet.size and packet.pts is not None
    ]
    seconds = max((end for _start, end in times), default=0.0) - min(
        (start for start, _end in times), default=0.0
    )
    if not decoded or seconds <= 0:
        raise Refused("The sound cannot be played.")
    return {"seconds": round(seconds, 3)}


def main(path: str, kind: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        with Path(path).open("rb") as file:
            check_head(file.read(16), kind)
        found = probe(path, kind)
    except Refused as error:
        found = {"refused": str(error)}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:3])
