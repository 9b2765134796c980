"""list_models and get_credits: what can be ordered, what it costs, and what is left to pay it."""

from typing import Any

from django.conf import settings

from billing.ledger import credits
from billing.switch import require_billing
from config.lib.api.rendering import iso
from videos.catalog import offers, pauses, prices
from videos.catalog.entries import Model
from videos.mcp import arguments
from videos.mcp.shapes import Schema, array, number, optional, record, text
from videos.mcp.tools.base import Answer, Call, Tool


def models() -> list[dict[str, Any]]:
    """The models that can be ordered now, the default one first."""
    now, paused = prices.current(), pauses.sentences()
    return [_describe(model, now, paused.get(model.id)) for model in offers.offered()]


def _describe(model: Model, now: prices.PriceList, paused: str | None) -> dict[str, Any]:
    shown = {
        "id": model.id,
        "label": model.label,
        "note": model.note,
        "modes": list(model.modes),
        "max_reference_images": model.max_references,
        "sizes": list(model.by_size),
        "seconds": list(model.lengths),
        "default": {"size": model.default_size, "seconds": model.default_seconds},
        "audio": model.audio,
        "takes": list(model.takes),
        "ends_on": model.sunset.isoformat() if model.sunset else None,
        "paused": paused,
    }
    return {**shown, "price": _price(model, now)} if settings.BILLING else shown


def _price(model: Model, now: prices.PriceList) -> dict[str, Any]:
    rates = {
        kind.value: {
            frame.resolution: str(now.rate(kind, model.id, frame.resolution))
            for frame in model.frames
        }
        for kind in prices.KINDS
    }
    unit = "second" if model.price.per == "second" else f"clip of {model.price.seconds} seconds"
    return {"default": now.of_default(model), "unit": unit, "credits_per_unit": rates}


def _model_schema() -> Schema:
    properties = {
        "id": text("What create_video takes as model."),
        "label": text("Its name for people."),
        "note": text("What it is good at."),
        "modes": array(text("Which images an order may have: text means none.")),
        "max_reference_images": number("How many images of the subject an order may have."),
        "sizes": array(text("Width x height; the first is the default.")),
        "seconds": array(number("Lengths it makes.")),
        "default": record(size=text("Size if none is given."), seconds=number("Length likewise.")),
        "audio": text("Whether it makes sound.", enum=["none", "always", "optional"]),
        "takes": array(text("Optional arguments: seed, negative_prompt.")),
        "ends_on": optional(text("The first day without it.")),
        "paused": optional(text("Why it takes no orders at the moment.")),
    }
    if settings.BILLING:
        properties["price"] = record(
            default=number("Credits for its default size and length."),
            unit=text("What a rate is for; totals are rounded up to whole credits."),
            credits_per_unit={
                "type": "object",
                "description": "Rates for orders of a text only and with images, by resolution.",
            },
        )
    return record(**properties)


def _list_models(_call: Call) -> Answer:
    return {"models": models()}


def _get_credits(call: Call) -> Answer:
    require_billing()
    found = credits.summary(call.caller.user)
    ends = found.next_expiry_at
    return {
        "credits": found.available,
        "next_expiry_at": iso(ends) if ends else None,
    }


LIST_MODELS = Tool(
    name="list_models",
    title="List models",
    description=lambda: (
        "List the models that can be ordered, with modes, sizes, lengths"
        + (" and prices in credits." if settings.BILLING else ".")
    ),
    arguments=arguments.Nothing,
    answer=lambda: record(models=array(_model_schema())),
    run=_list_models,
)
GET_CREDITS = Tool(
    name="get_credits",
    title="Get the credit balance",
    description=lambda: "Get how many credits the user has. Credits cannot be bought here.",
    arguments=arguments.Nothing,
    answer=lambda: record(
        credits=number("How many can be spent now."),
        next_expiry_at=optional(text("When the next of them expire.")),
    ),
    run=_get_credits,
    is_about_credits=True,
)
TOOLS = (LIST_MODELS, GET_CREDITS)
