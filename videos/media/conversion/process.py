"""Convert a video to an MP4 that browsers play, in a process that its limits can end.

    python process.py SOURCE mov|matroska|avi|gif TARGET MAX_BYTES [MARK]

Imports nothing of ours. Copies the tracks that browsers play and encodes the others as H.264 and
AAC. MARK is a PNG that is laid over the first seconds; the video track is encoded for it. Prints {}
when TARGET is complete, {"broken": why} for a file that ends too early or is damaged, {"refused":
why} for one that nobody can convert, {"full": why} when the disk is full.
"""

import errno
import json
import re
import resource
import struct
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
# What Matroska says about a track, in hours, minutes and seconds.
TRACK_DURATION = re.compile(r"(\d{1,3}):(\d\d):(\d\d(?:\.\d{1,9})?)")
BT709 = 1
# How long a mark is shown, and how high it is as a share of the shorter side of the frame.
MARK_SECONDS = 3
MARK_HEIGHT = 0.08


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


def convert(source: str, kind: str, target: str, mark: str = "") -> None:
    """Write the first video and audio track to an MP4 whose index comes first.

    `mark` is the path of a PNG to lay over the first seconds, or "".

    Raises Refused, Broken or av.FFmpegError.
    """
    # Import only after the limits of this process are set.
    import av  # noqa: PLC0415

    with (
        av.open(source, format=kind, options=OPTIONS, metadata_errors="replace") as container,
        av.open(target, "w", format="mp4", options={"movflags": "+faststart"}) as made,
    ):
        streams = main_streams(container)
        tracks = {stream.index: _track(made, stream, kind, mark) for stream in streams}
        end = 0.0
        for packet in container.demux():
            end = max(end, _end(packet))
            if packet.stream.index in tracks:
                made.mux(list(tracks[packet.stream.index].take(packet)))
        _check_length(container, streams[0], tracks[streams[0].index].end, end)


def _display_matrix(source: str, kind: str) -> tuple[int, ...] | None:
    """How a player turns and mirrors the frames, which only the frames themselves tell."""
    import av  # noqa: PLC0415

    with av.open(source, format=kind, options=OPTIONS, metadata_errors="replace") as container:
        for frame in container.decode(main_streams(container)[0]):
            matrix = frame.side_data.get("DISPLAYMATRIX")
            return struct.unpack("=9i", bytes(matrix)) if matrix else None
    return None


def _end(packet: Any) -> float:
    """When a packet ends, in seconds; 0 if it has no time."""
    starts = packet.dts if packet.pts is None else packet.pts
    return 0.0 if starts is None else float((starts + (packet.duration or 0)) * packet.time_base)


def _is_after_last(packet: Any) -> bool:
    """Whether it is the empty packet after a track; first ones of Matroska have no time either."""
    return packet.dts is None and not packet.size


def _track(made: Any, stream: Any, kind: str, mark: str) -> "Copy | EncodedVideo | EncodedAudio":
    is_marked = bool(mark) and stream.type == "video"
    if kind in COPYABLE and is_playable(stream) and not is_marked:
        return Copy(made, stream)
    if stream.type == "audio":
        return EncodedAudio(made, stream)
    matrix = _display_matrix(stream.container.name, kind)
    return EncodedVideo(made, stream, matrix, Mark(mark, stream) if mark else None)


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


def _check_length(container: Any, stream: Any, video_end: float, end: float) -> None:
    """Raise Broken if less was read than the file promises.

    `video_end` and `end` are where the video and the longest track ended, in seconds. Sound may be
    longer than the video, so the file's own duration counts for the longest track only.
    """
    is_matroska = "matroska" in container.format.name
    promised = _tagged_duration(stream) if is_matroska else _duration(stream)
    _check_end(video_end, promised)
    if container.duration and (is_matroska or not promised):
        _check_end(end, container.duration / 1_000_000)


def _check_end(end: float, promised: float) -> None:
    if end <= 0 or end < promised * 0.95:
        raise Broken(f"{end:.1f} of {promised:.1f} seconds")


def _duration(stream: Any) -> float:
    return float(stream.duration * stream.time_base) if stream.duration else 0.0


def _tagged_duration(stream: Any) -> float:
    """The seconds of a Matroska track by its tag, 0 without one; FFmpeg's may be the file's."""
    tag = TRACK_DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3]) if tag else 0.0


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
        self.end = max(self.end, _end(packet))
        packet.stream = self._track
        return packet


class EncodedVideo:
    """A video track as H.264; `end` is in seconds."""

    def __init__(
        self, made: Any, stream: Any, matrix: tuple[int, ...] | None, mark: "Mark | None" = None
    ) -> None:
        self.end = 0.0
        self._mark = mark
        codec = stream.codec_context
        self._rate = Fraction(stream.average_rate or stream.guessed_rate or USUAL_RATE)
        self._track = made.add_stream("libx264", rate=self._rate, options=ENCODER)
        self._track.width, self._track.height = codec.width & ~1, codec.height & ~1
        self._track.pix_fmt = "yuv420p"
        self._track.set_display_matrix(matrix)
        encoder = self._track.codec_context
        encoder.time_base = stream.time_base
        encoder.thread_count = THREADS
        if stream.sample_aspect_ratio:
            encoder.sample_aspect_ratio = stream.sample_aspect_ratio
        encoder.color_range = BT709
        encoder.colorspace = encoder.color_primaries = encoder.color_trc = BT709
        # AVI gives its frames no times of their own.
        self._is_counted = stream.container.format.name == "avi"
        self._last = -1
        self._start: float | None = None
        self._first_dts = 0
        self._waiting: list[Any] = []

    def take(self, packet: Any) -> Iterator[Any]:
        for frame in packet.decode():
            step = max(round(1 / (self._rate * frame.time_base)), 1)
            is_counted = self._is_counted or frame.pts is None
            at = (self._last + step if self._last >= 0 else 0) if is_counted else frame.pts
            if 0 <= at <= self._last:
                continue
            if self._start is None:
                self._start = float(at * frame.time_base)
            self._last = at
            self.end = float((at + (frame.duration or step)) * frame.time_base)
            picture = frame.reformat(
                self._track.width, self._track.height, "yuv420p", dst_colorspace="ITU709"
            )
            if self._mark and float(at * frame.time_base) - self._start < MARK_SECONDS:
                self._mark.lay_over(picture)
            picture.pts, picture.time_base, picture.pict_type = at, frame.time_base, 0
            yield from self._all_but_last(self._track.encode(picture))
        if _is_after_last(packet):
            yield from self._all_but_last(self._track.encode(None))
            yield from self._ending()

    def _all_but_last(self, packets: list[Any]) -> list[Any]:
        if packets and not self._waiting:
            self._first_dts = packets[0].dts
        packets = [*self._waiting, *packets]
        self._waiting = packets[-1:]
        return packets[:-1]

    def _ending(self) -> list[Any]:
        """The last packet, made to last until the end, as an MP4 adds up its packets' durations.

        Because of B-frames it may hold another frame than the one shown last.
        """
        for packet in self._waiting:
            whole = round((self.end - (self._start or 0)) / packet.time_base)
            packet.duration = max(whole - (packet.dts - self._first_dts), 1)
        return self._waiting


class Mark:
    """A grey picture in a corner of the frames, as high as a share of their shorter side."""

    def __init__(self, path: str, stream: Any) -> None:
        import numpy as np  # noqa: PLC0415
        from PIL import Image  # noqa: PLC0415

        codec = stream.codec_context
        width, height = codec.width & ~1, codec.height & ~1
        margin = min(width, height) // 40
        with Image.open(path) as given:
            tall = max(round(min(width, height) * MARK_HEIGHT), 2)
            wide = max(min(round(given.width * tall / given.height), width - margin), 2)
            picture = given.convert("RGBA").resize((wide & ~1, tall & ~1))
        self._left = max(width - picture.width - margin, 0) & ~1
        self._top = max(height - picture.height - margin, 0) & ~1
        opaque = picture.getchannel("A")
        coarse = opaque.resize((picture.width // 2, picture.height // 2))
        # A film's black is 16 and its white 235; of colours it has one for four pixels.
        light = 16 + np.asarray(picture.convert("L"), np.uint32) * 219 // 255
        self._light = light, np.asarray(opaque, np.uint32)
        self._colour = np.uint32(128), np.asarray(coarse, np.uint32)

    def lay_over(self, frame: Any) -> None:
        """Draw the picture into a yuv420p frame."""
        frame.make_writable()  # the decoder may still need what it gave
        self._blend(frame.planes[0], self._left, self._top, *self._light)
        for plane in frame.planes[1:3]:
            self._blend(plane, self._left // 2, self._top // 2, *self._colour)

    @staticmethod
    def _blend(plane: Any, left: int, top: int, value: Any, opaque: Any) -> None:
        import numpy as np  # noqa: PLC0415

        tall, wide = opaque.shape
        whole = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        part = whole[top : top + tall, left : left + wide]
        part[:] = (part * (255 - opaque) + value * opaque) // 255


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
        if _is_after_last(packet):
            yield from self._encode([*self._resampler.resample(None), None])

    def _encode(self, frames: list[Any]) -> Iterator[Any]:
        for frame in frames:
            yield from self._track.encode(frame)


def main(source: str, kind: str, target: str, max_bytes: str, mark: str = "") -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(max_bytes), int(max_bytes)))
    import av  # noqa: PLC0415

    said = {}
    try:
        convert(source, kind, target, mark)
    except Refused as error:
        said = {"refused": str(error)}
    except (Broken, av.FFmpegError, ValueError) as error:
        kind_of_error = {errno.ENOSPC: "full", errno.EFBIG: "refused"}
        said = {kind_of_error.get(getattr(error, "errno", 0), "broken"): str(error)}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:6])
