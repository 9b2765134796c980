"""Read the manifest of a file into plain facts. Imports nothing of ours but the settings of c2pa.

c2pa calls a manifest Valid when it fits the file and the signature fits the manifest, Trusted when
also one of the given certificates vouches for the signer, and Invalid otherwise.
"""

import json
from pathlib import Path
from typing import Any

BY_AI = "trainedAlgorithmicMedia"
MOST_ITEMS = 50
MOST_CHARACTERS = 500
# Nothing is fetched: a manifest that names an address must not lead us inside.
VERIFY = {"remote_manifest_fetch": False, "ocsp_fetch": False}


def has_manifest(path: Path, media_type: str = "video/mp4") -> bool:
    """Whether there is a manifest in the file, whatever it is worth."""
    import c2pa  # noqa: PLC0415 - 11 MB, which a process that reads nothing never needs

    context = c2pa.Context.from_dict({"version": 1, "verify": VERIFY})
    with path.open("rb") as file:
        try:
            found = c2pa.Reader.try_create(media_type, file, context=context)
        except c2pa.C2paError:
            return False
        if found is None:
            return False
        found.close()
        return True


def read(path: Path, media_type: str, anchors: str = "") -> dict[str, Any] | None:
    """What the manifest of a file says; None for a file without one, or one that nobody reads.

    `anchors` are certificates in PEM whose signatures count as trusted.
    """
    import c2pa  # noqa: PLC0415 - see above

    trust = {"trust": {"user_anchors": anchors}} if anchors else {}
    context = c2pa.Context.from_dict({"version": 1, "verify": VERIFY} | trust)
    with path.open("rb") as file:
        try:
            reader = c2pa.Reader.try_create(media_type, file, context=context)
        except c2pa.C2paError:
            return None
        if reader is None:
            return None
        with reader:
            return _facts(json.loads(reader.json()))


def _facts(store: dict[str, Any]) -> dict[str, Any]:
    manifest = store["manifests"][store["active_manifest"]]
    signature = manifest.get("signature_info") or {}
    actions = _actions(manifest)
    first = actions[0] if actions else {}
    generator = (manifest.get("claim_generator_info") or [{}])[0]
    version = _text(generator.get("version"))
    return {
        "label": _text(store["active_manifest"]),
        "state": _text(store.get("validation_state")),
        "generator": f"{_text(generator.get('name'))} {version}".strip(),
        "signer": _text(signature.get("common_name")) or _text(signature.get("issuer")),
        "serial": _text(signature.get("cert_serial_number")),
        "made_at": first.get("when", ""),
        "actions": [
            {name: action[name] for name in ("action", "description")} for action in actions
        ],
        "by_ai": any(
            action["source_type"].endswith("trainedAlgorithmicMedia") for action in actions
        ),
        "model": first.get("software", ""),
        "engine": first.get("engine", ""),
        "prompt": first.get("prompt", ""),
        "ingredients": [
            _ingredient(each, store) for each in (manifest.get("ingredients") or [])[:MOST_ITEMS]
        ],
    }


def _actions(manifest: dict[str, Any]) -> list[dict[str, str]]:
    found = []
    for assertion in manifest.get("assertions") or []:
        if not _text(assertion.get("label")).startswith("c2pa.actions"):
            continue
        for action in (assertion["data"].get("actions") or [])[:MOST_ITEMS]:
            facts = action.get("parameters") or {}
            agent = action.get("softwareAgent")
            found.append(
                {
                    "action": _text(action.get("action")),
                    "description": _text(action.get("description")),
                    "software": _text(agent.get("name") if isinstance(agent, dict) else agent),
                    "when": _text(action.get("when")),
                    "source_type": _text(action.get("digitalSourceType")),
                    "engine": _text(facts.get("firstlight.engine")),
                    "prompt": _text(facts.get("firstlight.prompt"), 5000),
                }
            )
    return found


def _ingredient(said: dict[str, Any], store: dict[str, Any]) -> dict[str, str]:
    own = store["manifests"].get(said.get("active_manifest"), {})
    signature = own.get("signature_info") or {}
    generator = (own.get("claim_generator_info") or [{}])[0]
    return {
        "title": _text(said.get("title")),
        "relationship": _text(said.get("relationship")),
        "signer": _text(signature.get("common_name")) or _text(signature.get("issuer")),
        "generator": _text(generator.get("name")),
    }


def _text(value: Any, most: int = MOST_CHARACTERS) -> str:
    """A text of the file, shortened and without what is no letter."""
    text = value if isinstance(value, str) else ""
    return "".join(each for each in text[:most] if each.isprintable() or each == "\n")
