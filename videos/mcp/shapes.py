"""What agents are told of a video, and the JSON schemas of all answers."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from config.lib.api.rendering import iso
from videos import failures, representations, signed_urls
from videos.engines.base import Variant
from videos.models import Video

Schema = dict[str, Any]
OPTIONAL = "optional"
STATUSES = ["queued", "in_progress", "completed", "failed"]


def video(row: Video) -> dict[str, Any]:
    """A video for an agent. Its file and poster are at signed URLs, which anyone can open."""
    found, done = failures.explain(row), row.status == Video.Status.SUCCEEDED
    shown = {
        "id": representations.library_id(row.pk),
        "status": representations.LIBRARY_STATUS[Video.Status(row.status)],
        "progress": int(row.progress),
        "queue_position": row.queue_position,
        "prompt": row.prompt,
        "tags": [tag.name for tag in row.tags.all()],
        "model": row.ordered_model,
        "size": row.size,
        "seconds": row.seconds,
        "created_at": iso(row.created_at),
        "completed_at": iso(row.completed_at) if row.completed_at else None,
        **representations.made_from(row),
        "error": {"code": found.code, "message": found.sentence} if found else None,
        "page_url": f"{settings.BASE_URL}{reverse('video', args=[row.pk])}",
        "video_url": signed_urls.signed_url(row) if done else None,
        "poster_url": signed_urls.signed_url(row, Variant.THUMBNAIL) if done else None,
    }
    return {**shown, "credits": row.credits} if settings.BILLING else shown


def text(description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, **more}


def number(description: str) -> Schema:
    return {"type": "integer", "description": description}


def optional(schema: Schema) -> Schema:
    """A property that is absent where there is nothing to say: clients read null differently."""
    return {**schema, OPTIONAL: True}


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def record(**properties: Schema) -> Schema:
    """The schema of an object that has all of these properties but the optional ones."""
    required = [name for name, schema in properties.items() if OPTIONAL not in schema]
    plain = {
        name: {key: value for key, value in schema.items() if key != OPTIONAL}
        for name, schema in properties.items()
    }
    return {"type": "object", "properties": plain, "required": required}


def without_nulls(value: Any) -> Any:
    """Leave out of an answer what is None."""
    if isinstance(value, dict):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    return [without_nulls(part) for part in value] if isinstance(value, list) else value


def video_schema() -> Schema:
    """The schema of `video`."""
    properties = {
        "id": text("The id for all other tools."),
        "status": text("Where it stands; the last two are final.", enum=STATUSES),
        "progress": number("Percent of the rendering."),
        "queue_position": optional(number("Its place in the queue, from 1, while it waits.")),
        "prompt": text("What was asked for."),
        "tags": array(text("What the user put on it.")),
        "model": text("The model as it was ordered."),
        "size": text("Width x height in pixels."),
        "seconds": number("Length."),
        "created_at": text("When it was ordered, in ISO 8601."),
        "completed_at": optional(text("When it ended.")),
        "remix_of": optional(text("The id of the video that it is a new version of.")),
        "edit_of": optional(text("The id of the video that it is an edit of.")),
        "error": optional(record(code=text("For programs."), message=text("Why it failed."))),
        "page_url": text("Its page, for the user who is signed in."),
        "video_url": optional(text("The MP4; the link works for a limited time without sign-in.")),
        "poster_url": optional(text("A still image of it, likewise.")),
    }
    if settings.BILLING:
        properties["credits"] = number("What it costs; a video that fails costs nothing.")
    return record(**properties)
