"""Workflows of ComfyUI: what their placeholders become, and the ones that we ship."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine_servers import comfyui_nodes
from videos.engines.base import RenderRequest
from videos.engines.comfyui import graphs, order_values
from videos.engines.errors import InvalidRequest, Unsupported

TOKEN = "0e4cbb1e-6d5f-4c0a-9d3b-2f1f6a3f7b10"
SHIPPED = sorted(path.name for path in graphs.SHIPPED.iterdir())
IMAGES = {"first_image": "firstlight/first.png", "last_image": "firstlight/last.png"}


def order(fields: dict[str, Any], **more: Any) -> RenderRequest:
    size, seconds = more.pop("size", "1280x720"), more.pop("seconds", 5)
    return RenderRequest(TOKEN, "A boat", "a.json", size, seconds, fields=fields, **more)


def fill(value: Any, fields: dict[str, Any], **more: Any) -> Any:
    graph = {"1": {"class_type": "Node", "inputs": {"value": value}, "_meta": {"title": "x"}}}
    values = order_values.values_of(order(fields, **more))
    return graphs.fill(graph, values)["1"]["inputs"]["value"]


@pytest.mark.parametrize(
    ("placeholder", "value"),
    [
        ("{{prompt}}", "A boat"),
        ("{{ prompt }}, wide", "A boat, wide"),
        ("{{negative}}", ""),
        ("{{width}}", 1280),
        ("{{height}}", 704),
        ("{{seconds}}", 5),
        ("{{frames}}", 121),
        ("{{fps}}", 24),
        ("{{seed}}", 7),
        ("{{prefix}}", f"firstlight/{TOKEN}"),
        ("{{steps}}", 20),
        ("{{width}}x{{height}}", "1280x704"),
        ("{prompt}", "{prompt}"),
        (["12", 0], ["12", 0]),
        (["{{seed}}", {"deep": "{{seed}}"}], [7, {"deep": 7}]),
        (4.5, 4.5),
    ],
)
def test_placeholder_becomes_the_value_with_its_type(placeholder: Any, value: Any) -> None:
    fields = {"fps": 24, "frames": "4n+1", "step": 32, "steps": 20}
    found = fill(placeholder, fields, seed=7)
    assert (found, type(found)) == (value, type(value))


def test_what_a_user_writes_is_text_even_when_it_looks_like_json_or_a_placeholder() -> None:
    prompt = 'a "quoted"\n\\ {{seed}} boat", "class_type": "X'
    request = RenderRequest(TOKEN, prompt, "a.json", "64x64", 5)
    graph = {"1": {"class_type": "Node", "inputs": {"text": "{{prompt}}"}}}
    filled = graphs.fill(graph, order_values.values_of(request))
    assert filled == {"1": {"class_type": "Node", "inputs": {"text": prompt}}}


@pytest.mark.parametrize(
    ("seconds", "fps", "rule", "frames"),
    [
        (5, 24, "4n+1", 121), (5, 16, "4n+1", 81), (3, 24, "4n+1", 73), (1, 24, "4n+1", 25),
        (5, 24, "8n+1", 121), (6, 25, "8n+1", 153), (4, 23.976, "4n+1", 97), (5, 24, "", 120),
        (5, 24, "1n+0", 120), (1, 1, "8n+1", 1),
    ],
)  # fmt: skip
def test_frames_are_the_first_allowed_number_that_is_not_shorter_than_the_order(
    seconds: int, fps: float, rule: str, frames: int
) -> None:
    assert order_values.count_frames(seconds * fps, rule) == frames


@pytest.mark.parametrize(
    ("pixels", "step", "rounded"),
    [
        (720, 32, 704),
        (1080, 32, 1088),
        (720, 16, 720),
        (1080, 16, 1072),
        (719, 1, 719),
        (5, 64, 64),
    ],
)
def test_sizes_are_rounded_to_the_nearest_step(pixels: int, step: int, rounded: int) -> None:
    assert order_values.round_to(pixels, step) == rounded


def test_seed_is_derived_from_the_order_when_it_has_none() -> None:
    seed = fill("{{seed}}", {})
    assert seed == fill("{{seed}}", {}) == order_values.seed_of(TOKEN)
    assert 0 <= seed < 2**32
    assert seed != order_values.seed_of("5c1a5f0e-6d5f-4c0a-9d3b-2f1f6a3f7b10")


@pytest.mark.parametrize(
    ("chosen", "negative"),
    [({}, "worst quality"), ({"negative_prompt": "fog"}, "fog")],
)
def test_negative_prompt_of_the_binding_is_used_when_the_order_has_none(
    chosen: dict[str, str], negative: str
) -> None:
    assert fill("{{negative}}", {"negative": "worst quality"}, **chosen) == negative


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        ({"fps": 0}, "fps of the binding is 0, not a number of 1 to 240"),
        ({"fps": "24"}, "fps of the binding is '24', not a number of 1 to 240"),
        ({"step": True}, "step of the binding is True, not a number of 1 to 256"),
        ({"fps": 24, "frames": "n"}, "frames of the binding is 'n', not such as '4n+1'"),
        ({"fps": 24, "frames": "0n+1"}, "frames of the binding is '0n+1', not such as '4n+1'"),
    ],
)
def test_binding_with_wrong_fields_is_refused(fields: dict[str, Any], detail: str) -> None:
    with pytest.raises(Unsupported) as caught:
        order_values.values_of(order(fields))
    assert caught.value.detail == detail


def test_own_workflow_has_priority_over_the_shipped_one(tmp_path: Path) -> None:
    node = '{"1": {"class_type": "Own", "inputs": {}}}'
    (tmp_path / "ltx2_t2v.json").write_text(node)
    own = graphs.load("ltx2_t2v.json", str(tmp_path))
    assert own == {"1": {"class_type": "Own", "inputs": {}}}
    assert len(graphs.load("ltx2_i2v.json", str(tmp_path))) == 22


@pytest.mark.parametrize(
    ("name", "text", "detail"),
    [
        ("../a.json", "", "'../a.json' is not the file name of a workflow"),
        ("a.txt", "", "'a.txt' is not the file name of a workflow"),
        ("b.json", "", "workflow b.json cannot be read: No such file or directory"),
        ("a.json", "{", "workflow a.json is not JSON: "),
        ("a.json", "{}", "workflow a.json is not in the API format: use Export (API) in ComfyUI"),
        (
            "a.json",
            '{"nodes": [], "links": []}',
            "workflow a.json is not in the API format: use Export (API) in ComfyUI",
        ),
    ],
)
def test_what_is_no_workflow_is_refused(tmp_path: Path, name: str, text: str, detail: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InvalidRequest) as caught:
        graphs.load(name, str(tmp_path))
    assert caught.value.detail.startswith(detail)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_workflow_fits_the_nodes_of_comfyui(name: str) -> None:
    graph = graphs.load(name, "")
    values = order_values.values_of(order({"fps": 24, "frames": "8n+1", "step": 32}))
    filled = graphs.fill(graph, {**values, **IMAGES})
    assert comfyui_nodes.problems_of(filled) == {}
    used = {
        link[0]
        for node in filled.values()
        for link in node["inputs"].values()
        if type(link) is list
    }
    saved = {node_id for node_id, node in filled.items() if node["class_type"] == "SaveVideo"}
    assert filled.keys() - used == saved  # every node serves the one that saves the video


def test_shipped_workflows_take_what_their_modes_need() -> None:
    always = {"prompt", "negative", "width", "height", "frames", "fps", "seed", "prefix"}
    found = {name: graphs.names_in(graphs.load(name, "")) - always for name in SHIPPED}
    assert found == {
        "ltx2_i2v.json": {"first_image"},
        "ltx2_t2v.json": set(),
        "wan22_14b_flf2v.json": {"first_image", "last_image"},
        "wan22_5b_i2v.json": {"first_image"},
        "wan22_5b_t2v.json": set(),
    }
