"""The nodes of ComfyUI that our workflows use: their inputs, by type, and what they put out.

Written from ComfyUI's source (nodes.py, comfy_extras/nodes_wan.py, nodes_lt.py, nodes_lt_audio.py,
nodes_custom_sampler.py, nodes_model_advanced.py, nodes_video.py, nodes_images.py).
A tuple is a choice; a name that ends with "?" may be left out.
"""

from typing import Any

SAMPLERS = ("euler", "euler_ancestral", "uni_pc", "dpmpp_2m")
SCHEDULERS = ("simple", "normal", "karras", "beta")
LTX_2 = "ltx-2-19b-dev-fp8.safetensors"
MODELS = {
    "checkpoints": (LTX_2,),
    "diffusion_models": (
        "wan2.2_ti2v_5B_fp16.safetensors",
        "wan2.2_i2v_high_noise_14B_fp8_scaled.safetensors",
        "wan2.2_i2v_low_noise_14B_fp8_scaled.safetensors",
    ),
    "text_encoders": (
        "umt5_xxl_fp8_e4m3fn_scaled.safetensors",
        "gemma_3_12B_it_fp4_mixed.safetensors",
    ),
    "vae": ("wan2.2_vae.safetensors", "wan_2.1_vae.safetensors"),
}
Inputs = dict[str, str | tuple[str, ...]]
CONDITIONED: Inputs = {"positive": "CONDITIONING", "negative": "CONDITIONING"}
SIZED: Inputs = {"width": "INT", "height": "INT", "length": "INT", "batch_size": "INT"}
SAMPLED: Inputs = {
    "steps": "INT", "cfg": "FLOAT", "sampler_name": SAMPLERS, "scheduler": SCHEDULERS,
    **CONDITIONED, "latent_image": "LATENT",
}  # fmt: skip

# Class: its inputs, and the types of its outputs.
NODES: dict[str, tuple[Inputs, tuple[str, ...]]] = {
    "UNETLoader": (
        {"unet_name": MODELS["diffusion_models"], "weight_dtype": ("default", "fp8_e4m3fn")},
        ("MODEL",),
    ),
    "CLIPLoader": (
        {
            "clip_name": MODELS["text_encoders"],
            "type": ("sd3", "ltxv", "wan"),
            "device?": ("default", "cpu"),
        },
        ("CLIP",),
    ),
    "VAELoader": ({"vae_name": MODELS["vae"]}, ("VAE",)),
    "CheckpointLoaderSimple": ({"ckpt_name": MODELS["checkpoints"]}, ("MODEL", "CLIP", "VAE")),
    "LTXAVTextEncoderLoader": (
        {
            "text_encoder": MODELS["text_encoders"],
            "ckpt_name": MODELS["checkpoints"],
            "device": ("default", "cpu"),
        },
        ("CLIP",),
    ),
    "LTXVAudioVAELoader": ({"ckpt_name": MODELS["checkpoints"]}, ("VAE",)),
    "ModelSamplingSD3": ({"model": "MODEL", "shift": "FLOAT"}, ("MODEL",)),
    "CLIPTextEncode": ({"text": "STRING", "clip": "CLIP"}, ("CONDITIONING",)),
    "LoadImage": ({"image": "STRING"}, ("IMAGE", "MASK")),
    "Wan22ImageToVideoLatent": (
        {"vae": "VAE", **SIZED, "start_image?": "IMAGE"},
        ("LATENT",),
    ),
    "WanFirstLastFrameToVideo": (
        {
            **CONDITIONED, "vae": "VAE", **SIZED, "start_image?": "IMAGE", "end_image?": "IMAGE",
            "clip_vision_start_image?": "CLIP_VISION_OUTPUT",
            "clip_vision_end_image?": "CLIP_VISION_OUTPUT",
        },
        ("CONDITIONING", "CONDITIONING", "LATENT"),
    ),
    "KSampler": ({"model": "MODEL", "seed": "INT", **SAMPLED, "denoise": "FLOAT"}, ("LATENT",)),
    "KSamplerAdvanced": (
        {
            "model": "MODEL", "add_noise": ("enable", "disable"), "noise_seed": "INT", **SAMPLED,
            "start_at_step": "INT", "end_at_step": "INT",
            "return_with_leftover_noise": ("disable", "enable"),
        },
        ("LATENT",),
    ),
    "EmptyLTXVLatentVideo": (dict(SIZED), ("LATENT",)),
    "LTXVEmptyLatentAudio": (
        {"frames_number": "INT", "frame_rate": "FLOAT", "batch_size": "INT", "audio_vae": "VAE"},
        ("LATENT",),
    ),
    "LTXVPreprocess": ({"image": "IMAGE", "img_compression": "INT"}, ("IMAGE",)),
    "LTXVImgToVideoInplace": (
        {
            "vae": "VAE", "image": "IMAGE", "latent": "LATENT", "strength": "FLOAT",
            "bypass": "BOOLEAN",
        },
        ("LATENT",),
    ),
    "LTXVConditioning": (
        {**CONDITIONED, "frame_rate": "FLOAT"},
        ("CONDITIONING", "CONDITIONING"),
    ),
    "LTXVConcatAVLatent": ({"video_latent": "LATENT", "audio_latent": "LATENT"}, ("LATENT",)),
    "LTXVSeparateAVLatent": ({"av_latent": "LATENT"}, ("LATENT", "LATENT")),
    "LTXVAudioVAEDecode": ({"samples": "LATENT", "audio_vae": "VAE"}, ("AUDIO",)),
    "LTXVScheduler": (
        {
            "steps": "INT", "max_shift": "FLOAT", "base_shift": "FLOAT", "stretch": "BOOLEAN",
            "terminal": "FLOAT", "latent?": "LATENT",
        },
        ("SIGMAS",),
    ),
    "RandomNoise": ({"noise_seed": "INT"}, ("NOISE",)),
    "CFGGuider": ({"model": "MODEL", **CONDITIONED, "cfg": "FLOAT"}, ("GUIDER",)),
    "KSamplerSelect": ({"sampler_name": SAMPLERS}, ("SAMPLER",)),
    "SamplerCustomAdvanced": (
        {
            "noise": "NOISE", "guider": "GUIDER", "sampler": "SAMPLER", "sigmas": "SIGMAS",
            "latent_image": "LATENT",
        },
        ("LATENT", "LATENT"),
    ),
    "VAEDecode": ({"samples": "LATENT", "vae": "VAE"}, ("IMAGE",)),
    "VAEDecodeTiled": (
        {
            "samples": "LATENT", "vae": "VAE", "tile_size": "INT", "overlap": "INT",
            "temporal_size": "INT", "temporal_overlap": "INT",
        },
        ("IMAGE",),
    ),
    "EmptyImage": (
        {"width": "INT", "height": "INT", "batch_size": "INT", "color": "INT"},
        ("IMAGE",),
    ),
    "CreateVideo": ({"images": "IMAGE", "fps": "FLOAT", "audio?": "AUDIO"}, ("VIDEO",)),
    "SaveVideo": (
        {
            "video": "VIDEO", "filename_prefix": "STRING", "format": ("auto", "mp4"),
            "codec": ("auto", "h264"),
        },
        (),
    ),
}  # fmt: skip
NUMBERS: dict[str, tuple[type, ...]] = {
    "INT": (int,), "FLOAT": (int, float), "BOOLEAN": (bool,), "STRING": (str,),
}  # fmt: skip


def describe(kind: str) -> dict[str, Any]:
    """What /object_info answers about a class: choices in the old form, and in the new one."""
    inputs, outputs = NODES[kind]
    groups: dict[str, dict[str, Any]] = {"required": {}, "optional": {}}
    is_new = kind.startswith(("LTX", "Save"))
    for name, given in inputs.items():
        group = groups["optional" if name.endswith("?") else "required"]
        if isinstance(given, str):
            group[name.rstrip("?")] = [given, {}]
        else:
            group[name.rstrip("?")] = ["COMBO", {"options": given}] if is_new else [given]
    return {"input": groups, "output": outputs, "output_node": not outputs}


def problems_of(graph: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What ComfyUI finds wrong with a workflow, by the id of the node."""
    found = {node_id: list(_problems(graph, node)) for node_id, node in graph.items()}
    return {node_id: errors for node_id, errors in found.items() if errors}


def _problems(graph: dict[str, Any], node: dict[str, Any]) -> Any:
    inputs = NODES[node["class_type"]][0]
    named = {name.rstrip("?"): given for name, given in inputs.items()}
    for name in inputs:
        if not name.endswith("?") and name not in node["inputs"]:
            yield _problem("required_input_missing", "Required input is missing", name)
    for name, value in node["inputs"].items():
        given = named.get(name)
        if given is None:
            yield _problem("unknown_input", "There is no such input", name)
        elif isinstance(value, list):
            outputs = NODES[graph[value[0]]["class_type"]][1]
            if outputs[value[1]] != given:
                said = f"{name}, received_type({outputs[value[1]]}) mismatch input_type({given})"
                yield _problem("return_type_mismatch", "Return type mismatch", said)
        elif isinstance(given, tuple):
            if value not in given:
                said = f"{name}: {value!r} not in {list(given)!r}"
                yield _problem("value_not_in_list", "Value not in list", said)
        elif not isinstance(value, NUMBERS.get(given, ())):
            yield _problem("invalid_input_type", f"Failed to convert to {given}", f"{name}")


def _problem(kind: str, message: str, details: str) -> dict[str, Any]:
    return {"type": kind, "message": message, "details": details, "extra_info": {}}
