"""Images as the files of a form."""

from typing import Any

from videos.engines.base import Image

# Name, content and type, as the SDK takes them.
FormFile = tuple[str, bytes, str]


def read_file(image: Image) -> FormFile:
    with image.open() as file:
        return image.name, file.read(), image.content_type


def files_in(value: Any) -> list[FormFile]:
    """The files that a field of the form has: one, or a list of them; none for other values."""
    found = value if isinstance(value, list) else [value]
    return found if found and all(isinstance(each, tuple) for each in found) else []
