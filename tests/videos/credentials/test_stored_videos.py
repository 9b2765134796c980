"""Every stored result says in its file that AI made it, with which model, and who signed that."""

import stat
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.credentials.conftest import (
    actions_of,
    manifest_of,
    path_of,
    stored,
)
from videos.account import deletion
from videos.credentials import identity, own_identity, records, signing
from videos.credentials.manifests import BY_AI, Action, Ingredient
from videos.library import share_links
from videos.models import ContentCredential, FrameHash


def sent(answer: Any) -> bytes:
    """The body of an answer that is streamed."""

    async def read() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return async_to_sync(read)()


def boxes(body: bytes) -> list[str]:
    """The names of the parts of an MP4, in their order."""
    found, at = [], 0
    while at < len(body):
        found.append(body[at + 4 : at + 8].decode())
        at += int.from_bytes(body[at : at + 4], "big")
    return found


def packets(path: Path) -> list[bytes]:
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux() if packet.size]


def test_stored_file_names_generator_action_model_and_engine(alice: User, clouds: bytes) -> None:
    video = stored(alice, clouds, prompt="A secret prompt")
    state, manifest = manifest_of(path_of(video))
    (action,) = actions_of(manifest)
    generator = manifest["claim_generator_info"][0]
    assert (state, generator["name"], generator["version"]) == ("Valid", "Firstlight", "0.2.0")
    assert (action["action"], action["digitalSourceType"]) == ("c2pa.created", BY_AI)
    assert action["softwareAgent"] == {"name": video.model}
    assert action["parameters"] == {
        "firstlight.engine": video.engine,
        "firstlight.video": str(video.pk),
    }
    assert b"secret prompt" not in path_of(video).read_bytes()
    credential = ContentCredential.objects.get(video=video)
    assert credential.manifest == manifest["label"]
    assert (credential.signer, credential.error) == (identity.current().name, "")
    assert (credential.sha256, FrameHash.objects.filter(video=video).count()) == (
        video.file_sha256,
        5,
    )


def test_file_begins_with_its_index_and_holds_the_same_frames(
    alice: User, clouds: bytes, tmp_path: Path
) -> None:
    video = stored(alice, clouds)
    given = tmp_path / "given.mp4"
    given.write_bytes(clouds)
    body = path_of(video).read_bytes()
    assert boxes(body) == ["ftyp", "uuid", "moov", "free", "mdat", "uuid"]
    assert packets(path_of(video)) == packets(given)
    assert video.file_bytes == len(body)
    assert len(body) - len(clouds) < 6000


def test_every_way_out_gives_the_signed_file(
    alice: User, clouds: bytes, api: APIClient, page: Client
) -> None:
    video = stored(alice, clouds)
    signed = path_of(video).read_bytes()
    address = f"/api/videos/{video.pk}/content?variant=video"
    part = api.get(address, HTTP_RANGE="bytes=10-99")
    link = share_links.create_link(video)
    shared = Client().get(f"/s/{share_links.token_of(link)}/video.mp4")
    packed = page.post("/library/download/", {"video": [str(video.pk)]})
    archive = zipfile.ZipFile(BytesIO(sent(packed)))
    assert [sent(api.get(address)), sent(shared)] == [signed, signed]
    assert (part.status_code, sent(part)) == (206, signed[10:100])
    assert [archive.read(name) for name in archive.namelist()] == [signed]
    body = page.get(f"/v/{video.pk}/").content.decode()
    assert f"Made with AI, signed by {identity.current().name}" in " ".join(body.split())
    assert '<a href="/verify/">' in body


def test_one_altered_byte_is_noticed(alice: User, clouds: bytes, tmp_path: Path) -> None:
    body = bytearray(path_of(stored(alice, clouds)).read_bytes())
    body[body.index(b"mdat") + 500] ^= 1
    altered = tmp_path / "altered.mp4"
    altered.write_bytes(body)
    assert manifest_of(altered)[0] == "Invalid"


def test_prompt_is_in_the_file_only_when_its_owner_wants_it(
    alice: User, clouds: bytes, page: Client
) -> None:
    page.post("/settings/data/prompts/", {"on": "1"})
    assert 'name="on" value="1" checked' in page.get("/settings/data/").content.decode()
    (said,) = actions_of(manifest_of(path_of(stored(alice, clouds, prompt="A red kite")))[1])
    page.post("/settings/data/prompts/", {})
    (silent,) = actions_of(manifest_of(path_of(stored(alice, clouds, prompt="A red kite")))[1])
    assert said["parameters"]["firstlight.prompt"] == "A red kite"
    assert "firstlight.prompt" not in silent["parameters"]
    assert Client().post("/settings/data/prompts/", {"on": "1"}).status_code == 302
    assert not records.discloses_prompts(alice)


def test_manifest_of_the_engine_is_kept_as_the_parent(
    alice: User, clouds: bytes, tmp_path: Path
) -> None:
    given, signed = tmp_path / "given.mp4", tmp_path / "signed.mp4"
    given.write_bytes(clouds)
    of_engine = signing.sign(
        given, signed, title="from the engine", actions=[Action("c2pa.created", is_by_ai=True)]
    )
    own_identity.path().unlink()  # the engine signs with another key than we do
    identity._read.cache_clear()
    state, manifest = manifest_of(path_of(stored(alice, signed.read_bytes())))
    (parent,) = manifest["ingredients"]
    (action,) = actions_of(manifest)
    assert (state, parent["relationship"]) == ("Valid", "parentOf")
    assert parent["active_manifest"] == of_engine.manifest
    assert (action["action"], action["digitalSourceType"]) == ("c2pa.opened", BY_AI)


def test_video_is_stored_unsigned_when_it_cannot_be_signed(
    alice: User, clouds: bytes, settings: LazySettings
) -> None:
    settings.C2PA_CERTIFICATE = "/nowhere/certificate.pem"
    video = stored(alice, clouds)
    credential = ContentCredential.objects.get(video=video)
    assert (video.status, path_of(video).read_bytes()) == ("succeeded", clouds)
    assert credential.manifest == ""
    assert "/nowhere/certificate.pem" in credential.error
    assert records.is_known_file(video.file_sha256)


def test_key_that_does_not_fit_its_certificate_signs_nothing(
    alice: User, clouds: bytes, settings: LazySettings, tmp_path: Path
) -> None:
    _key, chain = identity._split(own_identity.read_or_create())
    key, _chain = identity._split(own_identity._new_identity())
    settings.C2PA_CERTIFICATE, settings.C2PA_PRIVATE_KEY = chain, key
    video = stored(alice, clouds)
    assert (video.status, path_of(video).read_bytes()) == ("succeeded", clouds)
    assert ContentCredential.objects.get(video=video).error != ""


def test_own_key_is_private_and_survives_a_restart(tmp_path: Path) -> None:
    first = own_identity.read_or_create()
    file = own_identity.path()
    assert (file.parent.parent, stat.S_IMODE(file.stat().st_mode)) == (tmp_path, 0o600)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert own_identity.read_or_create() == first


def test_edit_is_signed_with_its_actions_and_its_sources(tmp_path: Path, clouds: bytes) -> None:
    source, sound, target = (tmp_path / name for name in ("a.mp4", "b.mp4", "out.mp4"))
    source.write_bytes(clouds)
    sound.write_bytes(clouds)
    signing.sign(
        source,
        target,
        title="cut.mp4",
        actions=[Action("c2pa.trimmed", "the first second"), Action("c2pa.transcoded")],
        ingredients=[Ingredient(source, "a.mp4"), Ingredient(sound, "b.mp4", is_parent=False)],
    )
    state, manifest = manifest_of(target)
    assert state == "Valid"
    assert [action["action"] for action in actions_of(manifest)] == [
        "c2pa.opened", "c2pa.trimmed", "c2pa.transcoded", "c2pa.placed",
    ]  # fmt: skip
    assert [each["relationship"] for each in manifest["ingredients"]] == ["parentOf", "componentOf"]


def test_format_without_room_for_a_manifest_gets_a_sidecar(tmp_path: Path) -> None:
    import c2pa

    source, target = tmp_path / "a.webm", tmp_path / "b.webm"
    source.write_bytes(b"\x1a\x45\xdf\xa3" + bytes(900))
    signed = signing.sign(
        source,
        target,
        title="a",
        actions=[Action("c2pa.created", is_by_ai=True)],
        media_type="video/webm",
    )
    assert target.read_bytes() == source.read_bytes()
    assert signed.sidecar is not None
    context = c2pa.Context.from_dict(signing.SETTINGS)
    with target.open("rb") as file:
        reader = c2pa.Reader("video/webm", file, signed.sidecar, context)
        assert reader.get_validation_state() == "Valid"


def test_erased_account_leaves_no_traces_by_which_its_videos_are_recognised(
    alice: User, clouds: bytes
) -> None:
    stored(alice, clouds)
    records.disclose_prompts(alice, True)
    deletion.request_deletion(alice)
    deletion.erase_account(alice)
    assert (ContentCredential.objects.count(), FrameHash.objects.count()) == (0, 0)
    assert not records.discloses_prompts(alice)


def test_file_that_stays_at_its_engine_is_not_signed_but_recognised(
    alice: User, clouds: bytes, settings: LazySettings
) -> None:
    settings.KEEP_FILES = False
    video = stored(alice, clouds)
    credential = ContentCredential.objects.get(video=video)
    assert (video.file_stays_at_engine, credential.manifest, credential.error) == (True, "", "")
    assert records.is_known_file(video.file_sha256)


def test_labels_say_ai_to_players_and_in_the_fields_of_the_chinese_standard(
    alice: User, clouds: bytes, settings: LazySettings
) -> None:
    settings.AIGC_PRODUCER = "Studio <X>"
    video = stored(alice, clouds)
    with av.open(path_of(video)) as container:
        texts = container.metadata
    assert (texts["encoder"], texts["comment"]) == (
        "Firstlight 0.2.0", f"AI-generated ({video.model})",
    )  # fmt: skip
    assert (
        f'"Label": "1", "ContentProducer": "Studio <X>", "ProduceID": "{video.pk.hex}"'
        in (texts["AIGC"])
    )
    body = path_of(video).read_bytes()
    assert f"<Iptc4xmpExt:DigitalSourceType>{BY_AI}<".encode() in body
    assert b"<TC260:AIGC>" in body
    assert manifest_of(path_of(video))[0] == "Valid"


@pytest.mark.parametrize(
    ("setting", "is_marked"), [("CN,KR", True), ("JP", False), ("always", True)]
)
def test_mark_is_in_the_first_frames_where_the_owner_lives(
    alice: User, clouds: bytes, settings: LazySettings, setting: str, is_marked: bool
) -> None:
    settings.AI_MARK = setting
    User.objects.filter(pk=alice.pk).update(language="zh-CN")
    alice.refresh_from_db()
    video = stored(alice, clouds)
    with av.open(path_of(video)) as container:
        frame: Any = next(container.decode(video=0))
        first = frame.to_image().convert("L")
    corner = first.crop((first.width - 30, first.height - 12, first.width, first.height))
    lowest, highest = corner.getextrema()
    done = [action["action"] for action in actions_of(manifest_of(path_of(video))[1])]
    assert (highest - lowest > 120) == is_marked
    assert done == ["c2pa.created", *["c2pa.transcoded", "c2pa.edited"] * is_marked]
