"""Sign a file: write a C2PA manifest into it, or beside it where its format has no room for one.

signing.sign(Path("cut.mp4"), Path("signed.mp4"), title="video.mp4",
             actions=[Action("c2pa.trimmed", "the first 3 seconds")],
             ingredients=[Ingredient(source_path, "video.mp4")])
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

from videos.credentials import identity, manifests
from videos.credentials.manifests import Action, Ingredient

# Nothing is fetched: a manifest that names an address must not lead us inside.
SETTINGS = {
    "version": 1,
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {
        # A key that does not fit the certificate is noticed at once.
        "verify_after_sign": True,
        "remote_manifest_fetch": False,
        "ocsp_fetch": False,
    },
}
# The formats of our files that can hold a manifest. Others get a file beside them.
EMBEDDABLE = {
    "video/mp4", "video/quicktime", "image/gif", "image/webp", "image/png", "image/jpeg",
    "audio/mpeg", "audio/mp4", "audio/wav",
}  # fmt: skip
SIDECAR_SUFFIX = ".c2pa"


class SigningFailed(Exception):
    """The file was not signed; the text says why."""


@dataclass(frozen=True)
class Signed:
    """`manifest` is its name, `signer` that of the certificate.

    `sidecar` is the manifest for a format that cannot hold one: save it beside the file, under the
    file's name and SIDECAR_SUFFIX. None where the manifest is in the file.
    """

    manifest: str
    signer: str
    sidecar: bytes | None = None


def sign(
    source: Path,
    target: Path,
    *,
    title: str,
    actions: Sequence[Action],
    ingredients: Sequence[Ingredient] = (),
    media_type: str = "video/mp4",
) -> Signed:
    """Write `source` to `target` with a manifest; a manifest that it has is replaced.

    What `source` had before is kept if it is one of the ingredients. An MP4 whose index comes
    first keeps it first. Raises SigningFailed; then `target` may be incomplete.
    """
    try:
        import c2pa  # noqa: PLC0415 - 11 MB, which a process that signs nothing never needs
    except (ImportError, OSError) as error:
        raise SigningFailed(f"c2pa cannot be loaded: {error}") from error
    try:
        who = identity.current()
        context = c2pa.Context.from_dict(SETTINGS)
        label = f"urn:c2pa:{uuid4()}"
        said = manifests.definition(title, actions, ingredients) | {"label": label}
        with (
            _signer(who) as signer,
            c2pa.Builder.from_json(json.dumps(said), context) as builder,
            source.open("rb") as read,
        ):
            for place, ingredient in enumerate(ingredients):
                _add(builder, ingredient, manifests.id_of(place))
            if media_type in EMBEDDABLE:
                with target.open("w+b") as written:
                    builder.sign(signer, media_type, read, written)
                return Signed(label, who.name)
            builder.set_no_embed()
            sidecar = bytes(builder.sign(signer, media_type, read, BytesIO()))
        shutil.copyfile(source, target)
        return Signed(label, who.name, sidecar)
    except (c2pa.C2paError, identity.NoIdentity, OSError, ValueError) as error:
        raise SigningFailed(f"{error}"[:400]) from error


def _add(builder: Any, ingredient: Ingredient, name: str) -> None:
    relationship = "parentOf" if ingredient.is_parent else "componentOf"
    said = {
        "title": ingredient.title,
        "relationship": relationship,
        "label": name,
        "instance_id": name,
    }
    with ingredient.path.open("rb") as file:
        builder.add_ingredient(json.dumps(said), ingredient.media_type, file)


def _signer(who: identity.Identity) -> Any:
    import c2pa  # noqa: PLC0415 - see above

    if who.service is None:
        algorithm = who.algorithm.encode()
        info = c2pa.C2paSignerInfo(algorithm, who.chain.encode(), who.key.encode(), None)
        return c2pa.Signer.from_info(info)
    algorithms = c2pa.C2paSigningAlg
    return c2pa.Signer.from_callback(who.service, algorithms[who.algorithm.upper()], who.chain)
