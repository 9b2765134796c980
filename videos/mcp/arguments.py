"""The arguments of tools, as language models send them.

They write numbers as texts and send null for what they leave out. What only the catalog knows, such
as sizes, is checked by it; here stand the kinds of values and their bounds.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videos import representations
from videos.catalog import offers
from videos.catalog.entries import MOST_REFERENCES
from videos.editing import recipes
from videos.mcp.errors import Refused
from videos.models.price import MAX_CREDITS
from videos.models.tag import MAX_TAG

NOT_FOUND = "There is no video with this id."
MAX_LISTED = 50


Prompt = Annotated[
    str,
    Field(
        min_length=1,
        max_length=offers.PROMPT_MAX,
        description="What the video shows: subject, action, place, light, camera, sound.",
    ),
]
VideoId = Annotated[str, Field(max_length=64, description="The id of one of your videos.")]
IdempotencyKey = Annotated[
    str,
    Field(
        max_length=255,
        description="Any text that names this order. Send the same one when you repeat a call"
        " whose answer was lost: the video is then not ordered twice.",
    ),
]
MaxCredits = Annotated[
    int,
    Field(ge=0, le=MAX_CREDITS, description="Order only if the price is not above this."),
]


class Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Nothing(Arguments):
    pass


class OneVideo(Arguments):
    video_id: VideoId


class Choice(Arguments):
    """Which video: what is left out is the default model, and its default size and length."""

    model: Annotated[str, Field(max_length=64, description="A model of list_models.")] = ""
    size: Annotated[
        str, Field(max_length=16, description="Width x height, one of the model's sizes.")
    ] = ""
    seconds: Annotated[
        int, Field(ge=0, le=600, description="Length in seconds, one of the model's lengths.")
    ] = 0
    audio: Annotated[
        bool | None, Field(description="With or without sound, where the model lets you choose.")
    ] = None


class Quote(Choice):
    first_image: Annotated[bool, Field(description="Whether it begins with an image.")] = False
    last_image: Annotated[bool, Field(description="Whether it ends with an image.")] = False
    reference_images: Annotated[
        int, Field(ge=0, le=MOST_REFERENCES, description="How many reference images.")
    ] = 0


class CreateVideo(Choice):
    prompt: Prompt
    seed: Annotated[
        int | None, Field(ge=0, le=offers.MAX_SEED, description="Repeats a result, roughly.")
    ] = None
    negative_prompt: Annotated[
        str,
        Field(max_length=offers.NEGATIVE_PROMPT_MAX, description="What the video must not show."),
    ] = ""
    first_image_url: Annotated[
        str,
        Field(
            max_length=2048,
            description="The first frame: the file_url of an image uploaded to this server.",
        ),
    ] = ""
    last_image_url: Annotated[
        str, Field(max_length=2048, description="The last frame; needs a first one.")
    ] = ""
    reference_image_urls: Annotated[
        list[str],
        Field(
            max_length=MOST_REFERENCES,
            description="Uploaded images of what the video is about; not with a first frame.",
        ),
    ] = []
    max_credits: MaxCredits | None = None
    quote: Annotated[
        str, Field(max_length=500, description="The quote of the tool quote, to keep its price.")
    ] = ""
    idempotency_key: IdempotencyKey = ""


class BatchVideo(Choice):
    """One order of a batch, without images."""

    prompt: Prompt
    seed: Annotated[
        int | None, Field(ge=0, le=offers.MAX_SEED, description="Repeats a result, roughly.")
    ] = None
    negative_prompt: Annotated[
        str,
        Field(max_length=offers.NEGATIVE_PROMPT_MAX, description="What the video must not show."),
    ] = ""


class CreateVideos(Arguments):
    videos: Annotated[list[BatchVideo], Field(min_length=1, description="The orders, in order.")]
    max_credits: MaxCredits | None = None
    dry_run: Annotated[bool, Field(description="Only check and price; order nothing.")] = False
    idempotency_key: IdempotencyKey = ""


class RemixVideo(OneVideo):
    prompt: Prompt
    max_credits: MaxCredits | None = None
    idempotency_key: IdempotencyKey = ""


def _seconds(description: str, least: float = 0, most: float = recipes.LATEST) -> Any:
    return Field(ge=least, le=most, description=description)


class EditVideo(OneVideo):
    """What an edit changes, flat, as language models fill it in best."""

    start: Annotated[float, _seconds("Cut off what is before, in seconds.")] = 0
    end: Annotated[float | None, _seconds("Cut off what is after, in seconds.")] = None
    join_video_ids: Annotated[
        list[str],
        Field(max_length=100, description="Videos that follow, whole, in this order."),
    ] = []
    join_fit: Annotated[
        Literal["bars", "crop"],
        Field(description="Joined videos of another shape get bars, or fill the picture."),
    ] = "bars"
    crossfade: Annotated[
        float, _seconds("How long each fades into the next, in seconds.", 0, 2)
    ] = 0
    aspect: Annotated[
        Literal["", "16:9", "9:16", "1:1"], Field(description="Another shape of the picture.")
    ] = ""
    aspect_fit: Annotated[
        Literal["crop", "bars"], Field(description="Cut the picture, or add bars.")
    ] = "crop"
    position: Annotated[
        float,
        Field(ge=0, le=1, description="What a crop keeps: 0 is left or top, 1 the other end."),
    ] = 0.5
    speed: Annotated[
        float,
        Field(ge=recipes.SLOWEST, le=recipes.FASTEST, description="2 is twice as fast."),
    ] = 1
    loop: Annotated[
        int, Field(ge=1, le=recipes.MOST_LOOPS, description="How often it is played.")
    ] = 1
    mute: Annotated[bool, Field(description="Without sound.")] = False
    sound_url: Annotated[
        str,
        Field(max_length=500, description="The file_url of sound uploaded to this server."),
    ] = ""
    sound_mode: Annotated[
        Literal["replace", "mix"], Field(description="What the uploaded sound does to the own.")
    ] = "replace"
    poster: Annotated[
        float | None, _seconds("The moment of the result that its poster shows, in seconds.")
    ] = None
    max_credits: MaxCredits | None = None
    idempotency_key: IdempotencyKey = ""


class OneEdit(Arguments):
    edit_id: Annotated[str, Field(max_length=64, description="The id of one of your edits.")]


class WaitForVideo(OneVideo):
    timeout_seconds: Annotated[
        int, Field(ge=0, le=50, description="How long to wait; at most 50.")
    ] = 50


class ListVideos(Arguments):
    limit: Annotated[int, Field(ge=1, le=MAX_LISTED, description="How many, newest first.")] = 10
    after: Annotated[
        str, Field(max_length=64, description="The id of the last video of the page before.")
    ] = ""
    status: Annotated[
        Literal["", "queued", "in_progress", "completed", "failed"],
        Field(description="Only videos with this status."),
    ] = ""
    search: Annotated[
        str, Field(max_length=200, description="Only videos whose prompt has these words.")
    ] = ""
    tag: Annotated[
        str, Field(max_length=MAX_TAG, description="Only videos on which the user put this tag.")
    ] = ""


# What is about money, and is not offered without billing.
OF_BILLING = ("max_credits", "quote")
T = TypeVar("T", bound=Arguments)


def parse(kind: type[T], arguments: Mapping[str, Any] | None) -> T:
    """Return the arguments of a call. Raises Refused, which names each bad one."""
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    if "\\u0000" in json.dumps(given):
        raise Refused("NUL characters are not allowed. Nothing was done.")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_context=False)
        ]
        raise Refused(f"{'; '.join(faults)}. Nothing was done.") from error


def video_id_of(text: str) -> UUID:
    """Return the id in an argument. Raises Refused for anything else, as for an unknown id."""
    try:
        return representations.VideoId().to_python(text.strip())
    except ValueError as error:
        raise Refused(NOT_FOUND) from error


def schema_of(kind: type[Arguments]) -> dict[str, Any]:
    """Return the JSON schema of a tool's arguments."""
    found = kind.model_json_schema()
    hidden = () if settings.BILLING else OF_BILLING
    properties = {
        name: _plain(field)
        for name, field in found.get("properties", {}).items()
        if name not in hidden
    }
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    required = found.get("required")
    return {**schema, "required": required} if required else schema


def _plain(field: dict[str, Any]) -> dict[str, Any]:
    """Return a property without titles, null, and defaults that only stand for nothing."""
    known = {name: value for name, value in field.items() if name != "title"}
    for option in known.pop("anyOf", ()):
        if option != {"type": "null"}:
            known |= option
    if known.get("default") in ("", None, []) or known.get("minimum") == known.get("default") == 0:
        known.pop("default", None)
    if "enum" in known:
        known["enum"] = [value for value in known["enum"] if value != ""]
    return known
