"""ComfyUI: a server of the operator's own that runs workflows of nodes.

A model's name at this engine is the file name of a workflow in ComfyUI's API format, with
placeholders such as "{{prompt}}" among its values (videos.engines.comfyui.order_values lists them).
A job has the id of our video, so a submit whose answer was lost is found again.
"""

from collections.abc import Mapping

from videos.engines.comfyui.engine import ComfyUI

__all__ = ["ComfyUI", "connect"]


def connect(name: str, config: Mapping[str, str]) -> ComfyUI:
    """Connect to one server.

    `base_url` is its address. `workflows` is the folder of the operator's own workflows; the ones
    in this package are used where it has no file of that name. `models` are the names of the
    workflows that `check` compares with the server, separated by commas. `api_key` is sent as
    "Authorization: Bearer" for a proxy in front of the server, which itself knows no keys.
    """
    return ComfyUI(name, config)
