"""The pixels of a decoded image as a browser shows them: 8 bits, in sRGB, and laid on white.

Pillow reads 16-bit grey as it is stored and would cut it off at 255, and it compares the
transparent colour of a PNG with pixels that it has scaled to 8 bits.
"""

from io import BytesIO
from typing import Any

from PIL import Image, ImageChops, ImageCms, ImageFile

# What shows through the transparent parts of an image when an engine gets it.
BACKGROUND = "white"
# By how much Pillow multiplies the samples of a grey PNG of 2 or 4 bits.
GREY_SCALES = {"L;2": 85, "L;4": 17}


def as_shown(image: Image.Image) -> Image.Image:
    """Return an image as RGB, or as RGBA when it has transparency; it may be the same object."""
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    packing = str(tiles[0].args) if tiles else ""
    image.load()
    if image.mode.startswith("I"):
        shown = _shorten(image)
    else:
        _scale_transparent_colour(image, packing)
        shown = image
    if shown.mode == "CMYK":
        shown = _in_srgb(shown, image.info)
    mode = "RGBA" if shown.has_transparency_data else "RGB"
    if shown.mode != mode:
        shown = shown.convert(mode)
    if image.mode != "CMYK":
        _in_srgb(shown, image.info)
    if shown is not image:
        shown.info = dict(image.info)
    return shown


def on_background(image: Image.Image) -> Image.Image:
    """Return an RGB or RGBA image as RGB, laid on BACKGROUND."""
    if image.mode == "RGB":
        return image
    laid = Image.new("RGB", image.size, BACKGROUND)
    laid.paste(image, mask=image)
    return laid


def _shorten(image: Image.Image) -> Image.Image:
    """Return 16-bit grey as 8-bit grey, with alpha when one of its greys is transparent."""
    low, high = Image.frombytes("LA", image.size, image.convert("I;16").tobytes()).split()
    clear = image.info.get("transparency")
    if clear is None:
        return high
    # The mask is clear where both bytes of the sample are those of the transparent one.
    alphas = [
        band.point([0 if value == byte else 255 for value in range(256)])
        for band, byte in ((low, clear & 255), (high, clear >> 8))
    ]
    return Image.merge("LA", (high, ImageChops.lighter(*alphas)))


def _scale_transparent_colour(image: Image.Image, packing: str) -> None:
    clear = image.info.get("transparency")
    if isinstance(clear, int) and packing in GREY_SCALES:
        image.info["transparency"] = clear * GREY_SCALES[packing]
    elif isinstance(clear, tuple) and packing == "RGB;16B":
        image.info["transparency"] = tuple(sample >> 8 for sample in clear)


def _in_srgb(image: Image.Image, info: dict[str | tuple[int, int], Any]) -> Image.Image:
    """Convert the colours of an embedded profile, such as a phone's Display P3; RGB in place.

    A profile that cannot be read, or is for another kind of image, is ignored.
    """
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(info["icc_profile"]))
        if ImageCms.getProfileDescription(source).startswith("sRGB"):
            return image
        changes = {"inPlace": True} if image.mode != "CMYK" else {"outputMode": "RGB"}
        target = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, **changes) or image
    except (KeyError, ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
