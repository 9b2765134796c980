"""From a clip to its three files: an MP4 (H.264 and AAC), a WebP thumbnail, a JPEG spritesheet."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream
from PIL import Image

from videos.sandbox.clip import Clip
from videos.sandbox.rendering import soundtrack
from videos.sandbox.rendering.mark import Mark
from videos.sandbox.scenery import selection
from videos.sandbox.scenery.drawing.canvas import GRAIN, Canvas
from videos.sandbox.scenery.weather import AMBIENCE, Weather

# x264's defaults spend half the time on motion search, which slow, soft frames do not need.
FULL: dict[str, object] = {
    "preset": "veryfast",
    "crf": "22",
    "x264-params": "scenecut=0:sync-lookahead=0:rc-lookahead=8:weightp=0:subme=1:trellis=0:me=dia"
    ":bframes=3:b-adapt=0:partitions=none:8x8dct=0",
}
DRAFT: dict[str, object] = {"preset": "ultrafast", "crf": "30"}
FULL_RATE, DRAFT_RATE = 24, 3  # frames per second
BT709 = 1
THUMBNAIL_AT = 0.6
SHEET_COLUMNS, SHEET_ROWS = 4, 3
CELL_LONG_SIDE = 320


class ClipEncoder:
    """Renders the frames of one clip once and writes its three files from them."""

    def __init__(self, clip: Clip, image_file: Callable[[str], Path]) -> None:
        self.clip = clip
        self._draft = clip.detail == "draft"
        self._rate = DRAFT_RATE if self._draft else FULL_RATE
        self._frame_count = clip.seconds * self._rate
        self._scene = selection.build(clip, image_file)
        self._spec = selection.specify(clip)
        self._weather = Weather(self._spec)
        self._mark = Mark(clip.width, clip.height)
        self._canvas = Canvas(clip.width, clip.height, grain=0.0 if self._draft else GRAIN)
        self._thumbnail: Image.Image | None = None
        self._cells: list[Image.Image] = []

    def frame(self, at: float) -> av.VideoFrame:
        """Render the frame `at` seconds after the start."""
        self._scene.paint(self._canvas, at)
        self._weather.paint(self._canvas, at)
        self._canvas.apply_vignette_and_grain()
        self._mark.paint(self._canvas)
        return self._canvas.to_frame()

    def write_video(self, path: Path, report: Callable[[int], None] = lambda percent: None) -> None:
        """Write the MP4, keeping the frames the other two files are made of.

        `report` is called with the percentage of frames encoded, whenever it grows.
        """
        reported = 0
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            video = self._add_video_stream(container)
            if not self.clip.silent:
                stream = container.add_stream(
                    "aac", rate=soundtrack.RATE, options={"aac_coder": "fast"}
                )
                self._write_audio(container, stream)
            for index, frame in enumerate(self._frames(), start=1):
                container.mux(video.encode(frame))
                if (percent := 100 * index // self._frame_count) > reported:
                    report(percent)
                    reported = percent
            container.mux(video.encode(None))

    def _add_video_stream(self, container: OutputContainer) -> VideoStream:
        video = container.add_stream("libx264", rate=self._rate)
        video.width, video.height, video.pix_fmt = self.clip.width, self.clip.height, "yuv420p"
        video.options = dict(DRAFT if self._draft else FULL)
        video.codec_context.color_range = 1  # limited
        video.codec_context.colorspace = BT709
        video.codec_context.color_primaries = BT709
        video.codec_context.color_trc = BT709
        return video

    def _frames(self) -> Iterator[av.VideoFrame]:
        count = self._frame_count
        cells = SHEET_COLUMNS * SHEET_ROWS
        wanted = {int((cell + 0.5) * count / cells) for cell in range(cells)}
        scale = CELL_LONG_SIDE / max(self.clip.width, self.clip.height)
        cell_size = round(self.clip.width * scale), round(self.clip.height * scale)
        for index in range(count):
            frame = self.frame(index / self._rate)
            frame.pts, frame.time_base = index, Fraction(1, self._rate)
            if index in wanted:
                self._cells.append(_image(frame, *cell_size))
            if index == int(THUMBNAIL_AT * count):
                self._thumbnail = _image(frame, self.clip.width, self.clip.height)
            yield frame

    def _write_audio(self, container: OutputContainer, stream: AudioStream) -> None:
        stream.layout = "stereo"
        stream.bit_rate = 128_000
        mood = self._spec.mood
        ambience = AMBIENCE.get(mood.weather, self._scene.ambience)
        samples = soundtrack.compose(self.clip, self._spec.seed, ambience, mood.time)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate = soundtrack.RATE
        frame.pts, frame.time_base = 0, Fraction(1, soundtrack.RATE)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))

    def write_thumbnail(self, path: Path) -> None:
        """Write the frame at 60 % of the clip; the MP4 must have been written."""
        assert self._thumbnail is not None
        self._thumbnail.save(path, "WEBP", quality=82, method=0 if self._draft else 3)

    def write_spritesheet(self, path: Path) -> None:
        """Write twelve frames in reading order; the MP4 must have been written."""
        width, height = self._cells[0].size
        sheet = Image.new("RGB", (SHEET_COLUMNS * width, SHEET_ROWS * height))
        for cell, image in enumerate(self._cells):
            sheet.paste(image, (cell % SHEET_COLUMNS * width, cell // SHEET_COLUMNS * height))
        sheet.save(path, "JPEG", quality=85)


def _image(frame: av.VideoFrame, width: int, height: int) -> Image.Image:
    small = frame.reformat(
        width, height, "rgb24", src_colorspace=Colorspace.ITU709, interpolation="AREA"
    )
    return Image.fromarray(small.to_ndarray())
