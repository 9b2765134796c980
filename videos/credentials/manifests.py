"""What a manifest says: what was done to a file, by which program, and what it was made from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

GENERATOR = "Firstlight"
BY_AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
# The names of our own facts in the parameters of an action.
ENGINE, VIDEO, PROMPT = "firstlight.engine", "firstlight.video", "firstlight.prompt"


@dataclass(frozen=True)
class Ingredient:
    """A file from which another was made.

    It is the parent of what is an edit of it, else a component, such as a clip that was joined or
    a sound track. Its own manifest, if it has one, is kept.
    """

    path: Path
    title: str
    media_type: str = "video/mp4"
    is_parent: bool = True


@dataclass(frozen=True)
class Action:
    """Something that was done: c2pa.created, c2pa.edited, c2pa.transcoded, c2pa.trimmed ...

    `software` is the program or the model, `parameters` are facts about it in JSON.
    """

    name: str
    description: str = ""
    software: str = ""
    is_by_ai: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)


def created(video_id: str, model: str, engine: str, prompt: str = "") -> Action:
    """The action of a model that made a video; `prompt` only if its owner says so."""
    facts = {ENGINE: engine, VIDEO: video_id} | ({PROMPT: prompt} if prompt else {})
    return Action("c2pa.created", software=model, is_by_ai=True, parameters=facts)


def definition(
    title: str, actions: Sequence[Action], ingredients: Sequence[Ingredient]
) -> dict[str, Any]:
    """The definition of a manifest, as c2pa's builder takes it.

    A file with a parent was opened before anything was done to it: c2pa.created is then said as
    c2pa.opened, and every component was placed.
    """
    said = [_described(action) for action in actions]
    for place, ingredient in enumerate(ingredients):
        link = {"ingredientIds": [id_of(place)]}
        if not ingredient.is_parent:
            said.append({"action": "c2pa.placed", "parameters": link})
        elif said and said[0]["action"] == "c2pa.created":
            opened = {"action": "c2pa.opened", "parameters": said[0]["parameters"] | link}
            said[0] = said[0] | opened
        else:
            said.insert(0, {"action": "c2pa.opened", "parameters": link})
    return {
        "claim_generator_info": [{"name": GENERATOR, "version": settings.VERSION}],
        "title": title,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": said}}],
    }


def id_of(place: int) -> str:
    """The name by which an action refers to the ingredient at this place."""
    return f"ingredient-{place}"


def _described(action: Action) -> dict[str, Any]:
    when = datetime.now(UTC).isoformat(timespec="seconds")
    said: dict[str, Any] = {
        "action": action.name,
        "when": when,
        "parameters": dict(action.parameters),
    }
    if action.description:
        said["description"] = action.description
    if action.software:
        said["softwareAgent"] = {"name": action.software}
    if action.is_by_ai:
        said["digitalSourceType"] = BY_AI
    return said
