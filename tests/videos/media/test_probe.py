"""Clips of cameras, and files that only look like clips."""

import struct
from io import BytesIO
from pathlib import Path

import av
import pytest

from tests.videos.conftest import clip, picture
from videos.media import probe


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body


def probed(tmp_path: Path, body: bytes, kind: str = "mp4") -> dict[str, object] | str:
    """What the probe finds in a file, or why it refuses it."""
    path = tmp_path / "clip"
    path.write_bytes(body)
    try:
        with path.open("rb") as file:
            probe.check_shape(file, kind, len(body))
        return probe.probe(str(path), kind)
    except probe.Refused as error:
        return str(error)


FOUND = {"width": 64, "height": 36, "seconds": 1.0}
BRANDS = (b"pana CAEP NDSC MGSV 3g2a iso7 cmfc hvc1 av01 dby1 ssc1 mp71 niko isom qt  ").split(b" ")


@pytest.mark.parametrize("brand", [brand.ljust(4) for brand in BRANDS if brand])
def test_clip_is_accepted_when_its_brand_is_that_of_a_camera(tmp_path: Path, brand: bytes) -> None:
    whole = clip()
    assert probed(tmp_path, whole[:8] + brand + whole[12:]) == FOUND


@pytest.mark.parametrize(
    "name", [b"sefd", b"mpvd", b"thma", b"beam", b"udat", b"gps0", b"\xa9cam", b"PICT"]
)
def test_clip_is_accepted_when_its_maker_added_a_box(tmp_path: Path, name: bytes) -> None:
    assert probed(tmp_path, clip() + box(name, b"maker" * 300)) == FOUND


@pytest.mark.parametrize("count", [1, 7, 8, 100_000])
def test_clip_is_accepted_when_zeros_follow_it(tmp_path: Path, count: int) -> None:
    assert probed(tmp_path, clip() + bytes(count)) == FOUND


@pytest.mark.parametrize("name", [b"wide", b"pnot", b"skip"])
def test_clip_is_accepted_when_it_is_a_mov_without_ftyp(tmp_path: Path, name: bytes) -> None:
    whole = clip()
    length = int.from_bytes(whole[:4], "big")
    # Chunks are found by their place in the file, so the box is replaced and not cut out.
    assert probed(tmp_path, box(name, bytes(length - 8)) + whole[length:], "mov") == FOUND


def test_sides_are_as_shown_when_a_clip_was_filmed_upright(tmp_path: Path) -> None:
    whole = bytearray(clip())
    matrix = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    at = whole.index(matrix, whole.index(b"tkhd"))
    whole[at : at + 36] = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    assert probed(tmp_path, bytes(whole)) == {"width": 36, "height": 64, "seconds": 1.0}


def remuxed(format: str) -> bytes:
    body = BytesIO()
    with av.open(BytesIO(clip()), "r") as given, av.open(body, "w", format=format) as made:
        track = made.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = track
                made.mux(packet)
    return body.getvalue()


def song_with_cover() -> bytes:
    body = BytesIO()
    with av.open(BytesIO(clip(video=False, audio=True)), "r") as given:
        made = av.open(body, "w", format="mp4")
        track = made.add_stream_from_template(given.streams.audio[0])
        cover = made.add_stream("mjpeg")
        assert isinstance(cover, av.VideoStream)
        cover.width, cover.height, cover.pix_fmt = 40, 30, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        packets = [packet for packet in given.demux(audio=0) if packet.size]
        for packet in packets:
            packet.stream = track
            made.mux(packet)
        image = av.Packet(picture("JPEG"))
        image.stream, image.pts, image.dts, image.is_keyframe = cover, 0, 0, True
        made.mux(image)
        made.close()
    return body.getvalue()


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (remuxed("matroska"), "The file is not an MP4 or MOV clip, but Matroska (MKV)."),
        (remuxed("mpegts"), "The file is not an MP4 or MOV clip, but an MPEG transport stream."),
        (b"RIFF\xff\xff\x00\x00AVI " + bytes(999), "The file is not an MP4 or MOV clip, but AVI."),
        (song_with_cover(), "The file has no video track."),
        (
            box(b"ftyp", b"heic" + bytes(8)) + box(b"mdat", b"x" * 999),
            "The file is an image, not a clip.",
        ),
    ],
    ids=["mkv", "ts", "avi", "song", "photo"],
)
def test_sentence_says_what_a_file_is_when_it_is_no_mp4(
    tmp_path: Path, body: bytes, sentence: str
) -> None:
    assert probed(tmp_path, body) == sentence


@pytest.mark.parametrize(
    ("index", "sentence"),
    [
        (box(b"rmra", box(b"rmda", bytes(40))), "The clip refers to another file."),
        (box(b"cmov", bytes(40)), "Clips with a compressed index are not accepted."),
    ],
)
def test_clip_is_refused_when_its_index_can_hide_references(
    tmp_path: Path, index: bytes, sentence: str
) -> None:
    assert probed(tmp_path, box(b"moov", index) + box(b"mdat", bytes(999)), "mov") == sentence
