"""create_videos: a batch, all of it or none; the same as over the API."""

from collections.abc import Sequence
from functools import partial

from django.conf import settings

from config.lib import idempotency, rate_limits
from config.lib.idempotency import RequestKey
from videos.catalog import offers
from videos.jobs import batches, orders, queue
from videos.jobs.batches import CheckedBatch, FaultyLines, Line, TooManyLines
from videos.mcp import arguments, permissions, shapes
from videos.mcp.errors import Refused
from videos.mcp.shapes import Schema, array, number, record
from videos.mcp.tools.base import Answer, Call, Tool
from videos.mcp.tools.orders import cost_of_orders, request_key
from videos.models import Video


def _create_all(call: Call) -> Answer:
    asked: arguments.CreateVideos = call.arguments
    lines = [Line(_order_of(call, each)) for each in asked.videos]
    try:
        batch = batches.check(call.caller.user, lines)
    except TooManyLines as error:
        raise Refused(f"At most {error.most} videos at once; these are {error.count}.") from error
    if asked.dry_run:
        return _shown(batch.total, [], _faults(batch))
    key = request_key(call, "create_videos")
    try:
        outcome = idempotency.run(key, partial(_order, call, batch, asked.max_credits, key))
    except FaultyLines as error:
        raise Refused(f"Nothing was ordered. {' '.join(_faults(error.batch))}") from error
    videos = batches.videos_of(outcome.result, len(lines))
    queue.add_positions(videos)
    return _shown(sum(video.credits for video in videos), videos, [])


def _shown(credits: int, videos: Sequence[Video], faults: Sequence[str]) -> Answer:
    shown = {"faults": faults, "videos": [shapes.video(video) for video in videos]}
    return {"credits": credits, **shown} if settings.BILLING else shown


def _order(
    call: Call, batch: CheckedBatch, max_credits: int | None, key: RequestKey | None
) -> Video:
    batches.refuse_impossible(batch, max_credits)
    # The call itself counts as one line.
    if more := len(batch.lines) - 1:
        rate_limits.use("batch", call.caller.user, more)
    return batches.order(call.caller.user, batch, max_credits, key)


def _order_of(call: Call, asked: arguments.BatchVideo) -> orders.VideoOrder:
    """The order of a line; `batches.check` says what the catalog does not offer."""
    return orders.VideoOrder(
        prompt=asked.prompt,
        model=asked.model,
        size=asked.size,
        seconds=asked.seconds,
        api_key_id=call.caller.api_key_id,
        choices=offers.Choices(asked.seed, asked.negative_prompt, asked.audio),
    )


def _faults(batch: CheckedBatch) -> Sequence[str]:
    """What is wrong with each faulty line, which counts from 1."""
    return [
        f"Video {place}, {fault.field}: {fault.message}"
        for place, line in enumerate(batch.lines, 1)
        for fault in line.faults
    ]


def _answer() -> Schema:
    price = {"credits": number("The price of all together.")} if settings.BILLING else {}
    return record(
        **price,
        faults=array({"type": "string", "description": "What is wrong with a video."}),
        videos=array(shapes.video_schema()),
    )


CREATE_VIDEOS = Tool(
    name="create_videos",
    title="Order several videos at once",
    description=lambda: (
        "Order several videos from prompts, all of them or none. With dry_run it only says what"
        f" they cost and what is wrong. {cost_of_orders()}"
    ),
    arguments=arguments.CreateVideos,
    answer=_answer,
    run=_create_all,
    scope="generate",
    limit=permissions.BATCHES,
    reads=False,
    repeatable=False,
)
TOOLS = (CREATE_VIDEOS,)
