"""What the content credentials of an edit say: which files it was made of, and what was done."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from videos.credentials.manifests import Action, Ingredient
from videos.models import Video

# The kinds of sound files whose manifests can be read.
SOUND_TYPES = {"mp3": "audio/mpeg", "mov": "audio/mp4", "wav": "audio/wav"}


def sources_of(videos: Sequence[Video], recipe: dict[str, Any]) -> list[Ingredient]:
    """Return the files of a recipe as its process has it; the first one is the parent."""
    found = {
        clip["path"]: Ingredient(Path(clip["path"]), f"{video.pk}.mp4", is_parent=place == 0)
        for place, (clip, video) in reversed(
            list(enumerate(zip(recipe["clips"], videos, strict=True)))
        )
    }
    sources = sorted(found.values(), key=lambda source: not source.is_parent)
    track = recipe.get("track")
    if track and track["kind"] in SOUND_TYPES:
        kind = SOUND_TYPES[track["kind"]]
        sources.append(Ingredient(Path(track["path"]), "sound", kind, is_parent=False))
    return sources


def actions_of(recipe: dict[str, Any]) -> list[Action]:
    """Return what a recipe does, in its order; joining is said by the files that were placed."""
    reframed, speed, loops = recipe.get("reframe"), recipe.get("speed", 1), recipe.get("loops", 1)
    said = [
        (recipe.get("trim"), Action("c2pa.trimmed", "a part of the first video was kept")),
        (reframed, Action("c2pa.cropped", f"the picture is {(reframed or {}).get('aspect')} now")),
        (speed != 1, Action("c2pa.edited", f"the speed is {speed:g} times the old one")),
        (loops != 1, Action("c2pa.edited", f"the film is repeated {loops} times")),
        (recipe.get("mute"), Action("c2pa.edited", "the sound was removed")),
        (recipe.get("track"), Action("c2pa.edited", "another sound was added")),
        (recipe.get("mark"), Action("c2pa.edited", "a smaller preview with a watermark")),
    ]
    return [action for is_done, action in said if is_done] or [Action("c2pa.edited")]
