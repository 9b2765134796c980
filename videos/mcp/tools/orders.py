"""quote, create_video and remix_video: the same orders as over the API, from the same functions."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings

from accounts.auth.callers import Caller
from config.lib import idempotency
from config.lib.api.rendering import iso
from config.lib.idempotency import RequestKey
from videos.catalog import offers
from videos.catalog.modes import OrderImages
from videos.catalog.reading import catalog
from videos.jobs import key_limits, orders, queue
from videos.jobs.money import quotes
from videos.mcp import arguments, permissions, shapes
from videos.mcp.shapes import Schema, number, record, text
from videos.mcp.tools.base import Answer, Call, Tool, own_video
from videos.media import upload_urls
from videos.models import Upload, Video


def _quote(call: Call) -> Answer:
    asked: arguments.Quote = call.arguments
    model, size, seconds = offers.complete(asked.model, asked.size, asked.seconds)
    images = OrderImages(asked.first_image, asked.last_image, asked.reference_images)
    found = quotes.issue(call.caller.user, images, model, size, seconds, asked.audio)
    key_limits.check(call.caller.api_key_id, (model, offers.find(model).id), found.credits)
    return {
        "model": model,
        "size": size,
        "seconds": seconds,
        "credits": found.credits,
        "available": found.available,
        "available_after": found.available_after,
        "quote": found.token,
        "expires_at": iso(found.expires_at),
    }


def _create(call: Call) -> Answer:
    asked: arguments.CreateVideo = call.arguments
    key = request_key(call, "create_video")
    outcome = idempotency.run(key, partial(_order, call.caller, asked, key))
    return _ordered(outcome)


def _order(caller: Caller, asked: arguments.CreateVideo, key: RequestKey | None) -> Video:
    model, size, seconds = offers.complete(asked.model, asked.size, asked.seconds)
    first, last, references = _images(caller, asked)
    order = orders.VideoOrder(
        prompt=asked.prompt,
        model=model,
        size=size,
        seconds=seconds,
        first_image=first,
        last_image=last,
        references=references,
        api_key_id=caller.api_key_id,
        choices=offers.Choices(asked.seed, asked.negative_prompt, asked.audio),
        terms=orders.PriceTerms(asked.max_credits, asked.quote),
    )
    return orders.submit(caller.user, order, key)


def _images(
    caller: Caller, asked: arguments.CreateVideo
) -> tuple[Upload | None, Upload | None, tuple[Upload, ...]]:
    urls = [asked.first_image_url, asked.last_image_url, *asked.reference_image_urls]
    given = [url for url in urls if url]
    if not given:
        return None, None, ()
    found = dict(zip(given, upload_urls.get_images(caller.user, given), strict=True))
    references = tuple(found[url] for url in asked.reference_image_urls)
    return found.get(asked.first_image_url), found.get(asked.last_image_url), references


def _remix(call: Call) -> Answer:
    asked: arguments.RemixVideo = call.arguments
    source, key = own_video(call.caller, asked.video_id), request_key(call, "remix_video")
    terms = orders.PriceTerms(asked.max_credits)
    order = partial(orders.remix, source, asked.prompt, key, call.caller.api_key_id, terms)
    return _ordered(idempotency.run(key, order))


def request_key(call: Call, name: str) -> RequestKey | None:
    """The key of the order over all other arguments. Raises BadIdempotencyKey."""
    asked = call.arguments.model_dump(exclude={"idempotency_key"})
    key = call.arguments.idempotency_key
    headers = {idempotency.HEADER: key} if key else {}
    return idempotency.key_of_headers(call.caller.user, headers, "mcp", name, asked)


def _ordered(outcome: idempotency.Outcome[Video]) -> Answer:
    queue.add_positions([outcome.result])
    return shapes.video(outcome.result)


def _offers() -> Mapping[str, Schema]:
    """What the models that can be ordered now take, for the schemas of arguments."""
    made = offers.offered()
    words = [word for word in catalog().aliases if offers.is_available(word)]
    lengths = sorted({length for model in made for length in model.lengths})
    default = made[0]
    return {
        "model": {
            "enum": [*(model.id for model in made), *words],
            "description": "Which model; list_models describes them."
            f" Without it: {offers.default_word()}.",
        },
        "size": {
            "enum": list(dict.fromkeys(size for model in made for size in model.by_size)),
            "description": "Width x height; each model has some of them (list_models)."
            f" Without it the model's default: {default.default_size} for {default.id}.",
        },
        "seconds": {
            "anyOf": [
                {"type": "integer", "enum": lengths},
                {"type": "string", "enum": [str(length) for length in lengths]},
            ],
            "description": "Length in seconds; each model has some of them (list_models)."
            f" Without it the model's default: {default.default_seconds} for {default.id}.",
        },
    }


def cost_of_orders() -> str:
    """What an agent is told of the price of an order."""
    if not settings.BILLING:
        return "Returns at once, with status queued: call wait_for_video for the result."
    return (
        "It costs credits of the user, which are taken at once and returned if the video fails;"
        " call quote for the price. Returns at once, with status queued: call wait_for_video for"
        " the result."
    )


def _quote_schema() -> dict[str, Any]:
    return record(
        model=text("The model of the order."),
        size=text("Its size."),
        seconds=number("Its length."),
        credits=number("The price."),
        available=number("How many credits the user has."),
        available_after=number("What would be left; negative if there are too few."),
        quote=text("Give it to create_video to keep this price."),
        expires_at=text("Until when the price holds, in ISO 8601."),
    )


QUOTE = Tool(
    name="quote",
    title="Get the price of an order",
    description=lambda: (
        "Get what a video would cost in credits, and what would be left. Orders nothing. The price"
        " holds for ten minutes if its quote is given to create_video."
    ),
    arguments=arguments.Quote,
    answer=_quote_schema,
    run=_quote,
    is_about_credits=True,
    enums=_offers,
)
CREATE_VIDEO = Tool(
    name="create_video",
    title="Order a video",
    description=lambda: f"Order a video from a prompt, or from uploaded images. {cost_of_orders()}",
    arguments=arguments.CreateVideo,
    answer=shapes.video_schema,
    run=_create,
    scope="generate",
    limit=permissions.ORDERS,
    reads=False,
    repeatable=False,
    enums=_offers,
)
REMIX_VIDEO = Tool(
    name="remix_video",
    title="Order a new version of a video",
    description=lambda: (
        f"Order a new version of a completed video, with a new prompt. {cost_of_orders()}"
    ),
    arguments=arguments.RemixVideo,
    answer=shapes.video_schema,
    run=_remix,
    scope="generate",
    limit=permissions.ORDERS,
    reads=False,
    repeatable=False,
)
TOOLS = (QUOTE, CREATE_VIDEO, REMIX_VIDEO)
