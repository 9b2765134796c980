"""The order of a video as a call of the API."""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from videos.editing import representation
from videos.models import Upload, Video


def curl_command(video: Video, base_url: str) -> str:
    """Return a curl command that orders this video again."""
    headers = ['-H "Authorization: Bearer $FIRSTLIGHT_TOKEN"']
    asked: dict[str, Any] = {"prompt": video.prompt}
    path = "/api/videos"
    if video.operation == Video.Operation.EDIT:
        asked, path = representation.request_of(video.edit_job), f"{path}/{video.source_id}/edits"
    elif video.source_id:
        path += f"/{video.source_id}/remix"
    else:
        asked |= {"model": video.ordered_model, "size": video.size, "seconds": video.seconds}
        chosen = {"seed": video.seed, "audio": video.audio}
        asked |= {name: value for name, value in chosen.items() if value is not None}
        if video.negative_prompt:
            asked["negative_prompt"] = video.negative_prompt
    if video.images:
        parts = [
            f"-F {shlex.quote(f'{name}={_form_text(value)}')}" for name, value in asked.items()
        ]
        parts += [f"-F {shlex.quote(f'{name}=@{image.name}')}" for name, image in _files_of(video)]
    else:
        headers.append('-H "Content-Type: application/json"')
        parts = [f"-d {shlex.quote(json.dumps(asked, ensure_ascii=False))}"]
    return " \\\n  ".join([f"curl -X POST {base_url}{path}", *headers, *parts])


def _files_of(video: Video) -> Iterator[tuple[str, Upload]]:
    if video.first_image:
        yield "input_reference", video.first_image
    if video.last_image:
        yield "last_image", video.last_image
    for image in video.reference_images:
        yield "reference_images", image


def _form_text(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
