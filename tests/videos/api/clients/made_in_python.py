"""Make a video with the client that openapi-python-client made. Arguments: URL, API key."""

import sys
import time

from firstlight_client import AuthenticatedClient
from firstlight_client.api.videos import create_video, get_content, get_video, list_models
from firstlight_client.models import (
    CreateVideoRequest,
    CreateVideoRequestModel,
    CreateVideoRequestSeconds,
)

url, key = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key, raise_on_unexpected_status=True)
models = list_models.sync(client=client)
order = CreateVideoRequest(
    prompt="A paper boat",
    model=CreateVideoRequestModel("sora-2"),
    seconds=CreateVideoRequestSeconds(4),
)
video = create_video.sync(client=client, body=order)
while video.status in {"queued", "in_progress"}:
    time.sleep(0.5)
    video = get_video.sync(str(video.id), client=client)
content = get_content.sync_detailed(str(video.id), client=client)
print(len(models.models) > 0, video.status, content.content[4:8].decode())
