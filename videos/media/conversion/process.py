"""Convert a video to an MP4 that browsers play, in a process that its limits can end.

    python process.py SOURCE mov|matroska|avi|gif TARGET MAX_BYTES

Imports nothing of ours. Copies the tracks that browsers play and encodes the others as H.264 and
AAC. Prints {} when TARGET is complete, {"broken": why} for a file that ends too early or is
damaged, {"refused": why} for one that nobody can convert, {"full": why} when the disk is full.
"""

import errno
import json
import resource
import sys
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

MEMORY_BYTES = 4 * 1024**3
CPU_SECONDS = 30 * 60
THREADS = 2
MAX_SIDE = 8192
USUAL_RATE = 24
AUDIO_RATES = (48000, 44100, 32000)
# Pixel formats in which browsers play the codec.
VIDEO_CODECS = {
    "h264": {"yuv420p", "yuvj420p"},
    "hevc": {"yuv420p", "yuv420p10le"},
    "av1": {"yuv420p", "yuv420p10le"},
}
AUDIO_CODECS = {"aac", "mp3"}
# Containers whose packets have the times that an MP4 needs.
COPYABLE = {"mov", "matroska"}
OPTIONS = {"protocol_whitelist": "file", "enable_drefs": "0", "use_absolute_path": "0"}
ENCODER = {"preset": "veryfast", "crf": "18"}
BT709 = 1


class Refused(Exception):
    """Nobody can convert the file; the text says why."""


class Broken(Exception):
    """The file is incomplete or damaged."""


def is_playable(stream: Any) -> bool:
    """Whether browsers play a track as it is."""
    codec = stream.codec_context
    name = codec.codec.canonical_name
    if stream.type == "video":
        return codec.pix_fmt in VIDEO_CODECS.get(name, ())
    return name in AUDIO_CODECS


def convert(source: str, kind: str, target: str) -> None:
    """Write the first video and audio track to an MP4 whose index comes first.

    Raises Refused, Broken or av.FFmpegError.
    """
    # Import only after the limits of this process are set.
    import av  # noqa: PLC0415

    with (
        av.open(source, format=kind, options=OPTIONS, metadata_errors="replace") as container,
        av.open(target, "w", format="mp4", options={"movflags": "+faststart"}) as made,
    ):
        streams = main_streams(container)
        tracks = {stream.index: _track(made, stream, kind) for stream in streams}
        for packet in container.demux(*streams):
            made.mux(list(tracks[packet.stream.index].take(packet)))
        _check_length(container, streams[0], tracks[streams[0].index])


def _track(made: Any, stream: Any, kind: str) -> "Copy | EncodedVideo | EncodedAudio":
    if kind in COPYABLE and is_playable(stream):
        return Copy(made, stream)
    return EncodedVideo(made, stream) if stream.type == "video" else EncodedAudio(made, stream)


def main_streams(container: Any) -> list[Any]:
    """The video track, and the audio track if there is one. Raises Refused."""
    if not container.streams.video:
        raise Refused("the file has no video track")
    found = [container.streams.video[0], *container.streams.audio[:1]]
    for stream in found:
        if stream.codec_context is None or not stream.codec_context.codec.is_decoder:
            raise Refused(f"the {stream.type} track has a codec that is not known")
        stream.codec_context.thread_count = THREADS
    width, height = found[0].codec_context.width, found[0].codec_context.height
    if not (1 < width <= MAX_SIDE and 1 < height <= MAX_SIDE):
        raise Refused(f"frames of {width}x{height} pixels")
    return found


def _check_length(container: Any, stream: Any, track: Any) -> None:
    """Raise Broken if less of the video was read than its file promises."""
    promised = float(stream.duration * stream.time_base) if stream.duration else 0.0
    if not promised and container.duration:
        promised = container.duration / 1_000_000
    if track.end <= 0 or track.end < promised * 0.95:
        raise Broken(f"{track.end:.1f} of {promised:.1f} seconds")


class Copy:
    """A track whose packets are written as they are; `end` is in seconds."""

    def __init__(self, made: Any, stream: Any) -> None:
        self.end = 0.0
        self._timeless: list[Any] = []
        # By the codec of the file: that of our decoder may have another name.
        self._track = made.add_stream_from_template(stream, opaque=True)
        if stream.codec_context.codec.canonical_name == "hevc":
            self._track.codec_context.codec_tag = "hvc1"  # Safari plays no other

    def take(self, packet: Any) -> Iterator[Any]:
        if packet.size and packet.dts is None:
            self._timeless.append(packet)  # Matroska has no decoding times for the first packets
            return
        yield from self._place_timeless(packet.dts)
        if packet.size:
            yield self._written(packet)

    def _place_timeless(self, before: int | None) -> Iterator[Any]:
        """Write the packets that wait for a decoding time; they come right before that one."""
        for place, packet in enumerate(self._timeless):
            step = max(packet.duration or 1, 1)
            known = packet.pts if before is None else before - step * (len(self._timeless) - place)
            packet.dts = known or 0
            yield self._written(packet)
        self._timeless.clear()

    def _written(self, packet: Any) -> Any:
        starts = packet.dts if packet.pts is None else packet.pts
        self.end = max(self.end, float((starts + (packet.duration or 0)) * packet.time_base))
        packet.stream = self._track
        return packet


class EncodedVideo:
    """A video track as H.264; `end` is in seconds."""

    def __init__(self, made: Any, stream: Any) -> None:
        self.end = 0.0
        codec = stream.codec_context
        self._rate = Fraction(stream.average_rate or stream.guessed_rate or USUAL_RATE)
        self._track = made.add_stream("libx264", rate=self._rate, options=ENCODER)
        self._track.width, self._track.height = codec.width & ~1, codec.height & ~1
        self._track.pix_fmt = "yuv420p"
        encoder = self._track.codec_context
        encoder.time_base = stream.time_base
        encoder.thread_count = THREADS
        encoder.color_range = BT709
        encoder.colorspace = encoder.color_primaries = encoder.color_trc = BT709
        # AVI gives its frames no times of their own.
        self._is_counted = stream.container.format.name == "avi"
        self._last = -1

    def take(self, packet: Any) -> Iterator[Any]:
        for frame in packet.decode():
            step = max(round(1 / (self._rate * frame.time_base)), 1)
            is_counted = self._is_counted or frame.pts is None
            at = (self._last + step if self._last >= 0 else 0) if is_counted else frame.pts
            if 0 <= at <= self._last:
                continue
            self._last = at
            self.end = float((at + (frame.duration or step)) * frame.time_base)
            picture = frame.reformat(
                self._track.width, self._track.height, "yuv420p", dst_colorspace="ITU709"
            )
            picture.pts, picture.time_base, picture.pict_type = at, frame.time_base, 0
            yield from self._track.encode(picture)
        if packet.dts is None:
            yield from self._track.encode(None)


class EncodedAudio:
    """An audio track as AAC, in mono or stereo; `end` is in seconds."""

    def __init__(self, made: Any, stream: Any) -> None:
        import av  # noqa: PLC0415

        self.end = 0.0
        given = stream.codec_context
        rate = given.sample_rate if given.sample_rate in AUDIO_RATES else AUDIO_RATES[0]
        layout = "mono" if given.channels == 1 else "stereo"
        self._track = made.add_stream("aac", rate=rate, layout=layout, bit_rate=160_000)
        self._resampler = av.AudioResampler("fltp", layout, rate, frame_size=1024)

    def take(self, packet: Any) -> Iterator[Any]:
        for frame in packet.decode():
            yield from self._encode(self._resampler.resample(frame))
        if packet.dts is None:
            yield from self._encode([*self._resampler.resample(None), None])

    def _encode(self, frames: list[Any]) -> Iterator[Any]:
        for frame in frames:
            yield from self._track.encode(frame)


def main(source: str, kind: str, target: str, max_bytes: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(max_bytes), int(max_bytes)))
    import av  # noqa: PLC0415

    said = {}
    try:
        convert(source, kind, target)
    except Refused as error:
        said = {"refused": str(error)}
    except (Broken, av.FFmpegError, ValueError) as error:
        kind_of_error = {errno.ENOSPC: "full", errno.EFBIG: "refused"}
        said = {kind_of_error.get(getattr(error, "errno", 0), "broken"): str(error)}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:5])
