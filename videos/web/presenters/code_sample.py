"""The order of a video as a call of the API."""

import json
import shlex
from typing import Any

from videos.models import Video


def curl_command(video: Video, base_url: str) -> str:
    """Return a curl command that orders this video again."""
    headers = ['-H "Authorization: Bearer $FIRSTLIGHT_TOKEN"']
    asked: dict[str, Any] = {"prompt": video.prompt}
    path = "/api/videos"
    if video.source_id:
        path += f"/{video.source_id}/remix"
    else:
        asked |= {"model": video.model, "size": video.size, "seconds": video.seconds}
    if video.reference:
        parts = [f"-F {shlex.quote(f'{name}={value}')}" for name, value in asked.items()]
        parts.append(f"-F {shlex.quote(f'input_reference=@{video.reference.name}')}")
    else:
        headers.append('-H "Content-Type: application/json"')
        parts = [f"-d {shlex.quote(json.dumps(asked, ensure_ascii=False))}"]
    return " \\\n  ".join([f"curl -X POST {base_url}{path}", *headers, *parts])
