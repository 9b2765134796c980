"""How each format of a file is written: its container, its encoders, and their options.

Plain data without imports, which the product reads too: it offers what this machine can encode.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Encoding:
    """Options are those of FFmpeg; bits are per second."""

    container: str
    picture: str = ""
    sound: str = ""
    container_options: dict[str, str] = field(default_factory=dict)
    picture_options: dict[str, str] = field(default_factory=dict)
    sound_bits: int = 160_000
    tag: str = ""

    @property
    def encoders(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.picture, self.sound)))


FASTSTART = {"movflags": "+faststart"}
H264 = Encoding("mp4", "libx264", "aac", FASTSTART, {"preset": "veryfast", "crf": "18"})
FILMS = {
    "h264": H264,
    "hevc": Encoding(
        "mp4",
        "libx265",
        "aac",
        FASTSTART,
        {"preset": "veryfast", "crf": "23", "x265-params": "pools=2:log-level=none"},
        # Apple's players know only this name.
        tag="hvc1",
    ),
    "av1": Encoding(
        "mp4",
        "libsvtav1",
        "aac",
        FASTSTART,
        {"preset": "9", "crf": "32", "svtav1-params": "lp=2"},
    ),
    "vp9": Encoding(
        "webm",
        "libvpx-vp9",
        "libopus",
        {},
        {"crf": "32", "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"},
        128_000,
    ),
}
ANIMATIONS = {
    "gif": Encoding("gif", "gif", container_options={"loop": "0"}),
    "webp": Encoding(
        "webp",
        "libwebp_anim",
        container_options={"loop": "0"},
        picture_options={"quality": "75", "compression_level": "3"},
    ),
}
SOUNDS = {
    "m4a": Encoding("ipod", "", "aac", FASTSTART, sound_bits=192_000),
    "mp3": Encoding("mp3", "", "libmp3lame", sound_bits=192_000),
    "wav": Encoding("wav", "", "pcm_s16le", sound_bits=0),
}
FRAMES = {"png": Encoding("", "png")}
SHEETS = {"jpeg": Encoding("")}
ALL = {**FILMS, **ANIMATIONS, **SOUNDS, **FRAMES, **SHEETS}
# The longest side in pixels and the frames per second of an animation; the next one is taken when
# the file gets too large. A delay in a GIF is so many hundredths of a second.
STEPS = ((720, "20"), (640, "25/2"), (480, "25/2"), (400, "10"), (320, "10"), (240, "25/3"),
         (160, "5"))  # fmt: skip
