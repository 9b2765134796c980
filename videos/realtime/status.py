"""The status of a video, for clients of both kinds of connections."""

from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser

from videos import representations
from videos.jobs import state_machine
from videos.library import own_videos


def status_event(user: AbstractBaseUser, video_id: object) -> dict[str, Any] | None:
    """A user's video as an event, after requesting a poll; None for unknown ids. Source: A23."""
    try:
        key = UUID(str(video_id).removeprefix("video_"))
    except ValueError:
        return None
    video = own_videos.find(user, key)
    if video is None:
        return None
    state_machine.request_poll(video)
    return representations.update_event(video)
