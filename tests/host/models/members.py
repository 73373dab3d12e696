"""One row per network of the host that our table of families names: a tiny one, and what a graph gives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from networks import class_at, configured, detected, known
from torch import Tensor

FRAMES, HEIGHT, WIDTH = 4, 8, 8


@dataclass(frozen=True)
class Member:
    """A network, and how to sample it.

    Attributes:
        family: what our table calls it.
        load: gives a MODEL.
        path: the network's class, which this host may not have.
        text: width and length of the text's features.
        more: what else the conditioning holds.
        channels: of the latent; two numbers for video and sound.
        frames: of the latent; 0 for images.
        cfg: guidance; 1 leaves out the negative.
        steady: whether frames of a still latent stay alike in it: nothing else that it is given moves.
    """

    family: str
    load: Callable[[], Any]
    path: str
    text: tuple[int, int]
    more: Callable[[], dict[str, Any]] = dict
    channels: tuple[int, ...] = (16,)
    frames: int = FRAMES
    cfg: float = 2.0
    steady: bool = True

    @property
    def here(self) -> bool:
        """Whether this host has it."""
        try:
            return class_at(self.path) is not None
        except (ImportError, AttributeError):
            return False

    def latent(self, seed: int | None = None, still: bool = False) -> Any:
        """Zeros, or noise of a seed; `still` repeats its first frame."""
        video = latent(self.channels[0], self.frames, seed)
        if still:
            video = video[:, :, :1].expand_as(video).contiguous()
        if len(self.channels) == 1:
            return video
        from comfy.nested_tensor import NestedTensor

        return NestedTensor([video, SOUND[self.channels[1]]()])

    def conditioning(self, sign: float = 1.0) -> list:
        width, length = self.text
        return [[sign * noise(1, length, width, seed=3), self.more()]]


def noise(*shape: int, seed: int = 5) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def latent(channels: int, frames: int = FRAMES, seed: int | None = None, height: int = HEIGHT) -> Tensor:
    shape = (1, channels, *([frames] if frames else []), height, WIDTH)
    return torch.zeros(shape) if seed is None else noise(*shape, seed=seed)


# Packed sound beside the video: channels to latent.
SOUND = {8: lambda: torch.zeros(1, 8, 5, 16), 32: lambda: torch.zeros(1, 32, 2, 5)}


def seen(width: int = 1280, tokens: int = 257) -> SimpleNamespace:
    """What a CLIP vision node gives."""
    features = noise(1, tokens, width)
    return SimpleNamespace(penultimate_hidden_states=features, last_hidden_state=features)


WAN = {"dim": 128, "ffn_dim": 256, "num_heads": 1, "num_layers": 4}
WAN_TEXT = (4096, 8)


def wan(
    family: str,
    path: str = "wan.model:WanModel",
    more: Callable[[], dict] = dict,
    steady: bool = True,
    **layout: Any,
) -> Member:
    channels = (layout.get("out_dim", 16),)
    load = partial(detected, path, **{**WAN, **layout})
    return Member(family, load, path, WAN_TEXT, more, channels, steady=steady)


HUNYUAN = {
    "hidden_size": 128,
    "num_heads": 1,
    "mlp_ratio": 4.0,
    "depth": 2,
    "depth_single_blocks": 3,
    "axes_dim": [16, 56, 56],
    "theta": 256,
    "qkv_bias": True,
    "context_in_dim": 256,
    "in_channels": 16,
    "out_channels": 16,
    "vec_in_dim": 768,
    "patch_size": [1, 2, 2],
    "guidance_embed": True,
    "byt5": False,
    "meanflow": False,
    "use_cond_type_embedding": False,
    "vision_in_dim": None,
    "meanflow_sum": False,
}


def hunyuan(
    more: Callable[[], dict] = dict, channels: int = 16, cfg: float = 2.0, steady: bool = True, **layout: Any
) -> Member:
    path = "hunyuan_video.model:HunyuanVideo"

    def load() -> Any:
        return detected(path, **known("hunyuan_video.model:HunyuanVideoParams", {**HUNYUAN, **layout}))

    def given() -> dict[str, Any]:
        return {"pooled_output": noise(1, 768), **more()}

    return Member("HunyuanVideo", load, path, (256, 8), given, (channels,), cfg=cfg, steady=steady)


COSMOS = {
    "max_img_h": 240,
    "max_img_w": 240,
    "max_frames": 128,
    "in_channels": 16,
    "out_channels": 16,
    "patch_spatial": 2,
    "patch_temporal": 1,
    "concat_padding_mask": True,
    "pos_emb_cls": "rope3d",
    "pos_emb_interpolation": "crop",
    "use_adaln_lora": True,
    "model_channels": 128,
    "num_heads": 1,
    "num_blocks": 4,
    "rope_h_extrapolation_ratio": 1.0,
    "rope_w_extrapolation_ratio": 1.0,
}
COSMOS_1 = COSMOS | {
    "image_model": "cosmos",
    "block_config": "FA-CA-MLP",
    "pos_emb_learnable": False,
    "block_x_format": "THWBD",
    "affline_emb_norm": True,
    "adaln_lora_dim": 16,
    "extra_per_block_abs_pos_emb": True,
    "extra_per_block_abs_pos_emb_type": "learnable",
    "rope_t_extrapolation_ratio": 2.0,
}
PREDICT2 = COSMOS | {
    "image_model": "cosmos_predict2",
    "crossattn_emb_channels": 1024,
    "pos_emb_learnable": True,
    "min_fps": 1,
    "max_fps": 30,
    "adaln_lora_dim": 256,
    "extra_per_block_abs_pos_emb": False,
    "rope_t_extrapolation_ratio": 1.0,
    "extra_h_extrapolation_ratio": 1.0,
    "extra_w_extrapolation_ratio": 1.0,
    "extra_t_extrapolation_ratio": 1.0,
    "rope_enable_fps_modulation": False,
}
MOCHI = {
    "image_model": "mochi_preview",
    "depth": 4,
    "patch_size": 2,
    "num_heads": 2,
    "hidden_size_x": 96,  # times the ratio, this is a number that the network insists on
    "mlp_ratio_x": 128.0,
    "hidden_size_y": 48,
    "mlp_ratio_y": 4.0,
    "learn_sigma": False,
    "in_channels": 12,
    "qk_norm": True,
    "qkv_bias": False,
    "out_bias": True,
    "attn_drop": 0.0,
    "patch_embed_bias": True,
    "posenc_preserve_area": True,
    "timestep_mlp_bias": True,
    "attend_to_padding": False,
    "timestep_scale": 1000.0,
    "use_t5": True,
    "t5_feat_dim": 64,
    "t5_token_length": 16,
    "rope_theta": 10000.0,
}
LTX = {"attention_head_dim": 4, "num_attention_heads": 32, "num_layers": 4, "cross_attention_dim": 128}
LTX_2 = LTX | {
    "audio_attention_head_dim": 2,
    "audio_num_attention_heads": 32,
    "audio_cross_attention_dim": 64,
    "caption_channels": 64,
    "connector_attention_head_dim": 16,
    "connector_num_attention_heads": 4,
    "connector_num_layers": 1,
}
FLUX = {
    "in_channels": 16,
    "out_channels": 16,
    "context_in_dim": 64,
    "hidden_size": 128,
    "mlp_ratio": 2.0,
    "num_heads": 1,
    "depth": 2,
    "depth_single_blocks": 3,
    "axes_dim": [16, 56, 56],
    "theta": 10000,
    "patch_size": 2,
    "qkv_bias": True,
    "txt_ids_dims": [],
}


def flux(name: str, path: str, params: str, **layout: Any) -> Member:
    def load() -> Any:
        return configured(name, image_model=name.lower(), **known(params, {**FLUX, **layout}))

    def given() -> dict[str, Any]:
        return {"pooled_output": noise(1, 768), "guidance": 3.5}

    return Member(name, load, path, (64, 8), given, frames=0)


MEMBERS: dict[str, Member] = {
    "Wan t2v": wan("Wan"),
    "Wan i2v": wan(
        "Wan",
        more=lambda: {
            "clip_vision_output": seen(),
            "concat_latent_image": latent(16, seed=6),
            "concat_mask": torch.zeros(1, 4, FRAMES, HEIGHT, WIDTH),
        },
        steady=False,
        model_type="i2v",
        in_dim=36,
    ),
    "Wan first and last frame": wan(
        "Wan",
        more=lambda: {"clip_vision_output": seen(tokens=514), "concat_latent_image": latent(16, seed=6)},
        steady=False,
        model_type="i2v",
        in_dim=36,
        flf_pos_embed_token_number=514,
    ),
    "Wan Fun with reference": wan(
        "Wan",
        more=lambda: {"concat_latent_image": latent(32, seed=6), "reference_latents": [latent(16, 1, seed=7)]},
        steady=False,
        model_type="i2v",
        in_dim=48,
        in_dim_ref_conv=16,
    ),
    "Wan 2.2 5B": wan("Wan", in_dim=48, out_dim=48),
    "Wan with added frames": wan("Wan", more=lambda: {"time_dim_concat": latent(16, 2, seed=7)}),
    "Wan VACE": wan("Wan VACE", "wan.model:VaceWanModel", vace_layers=2, vace_in_dim=96),
    "Wan VACE to the last block": wan("Wan VACE", "wan.model:VaceWanModel", vace_layers=4, vace_in_dim=96),
    "Wan Camera": wan(
        "Wan Camera",
        "wan.model:CameraWanModel",
        lambda: {"clip_vision_output": seen(), "camera_conditions": noise(1, 24, FRAMES, 64, 64)},
        steady=False,
        in_dim=32,
    ),
    "Wan S2V": wan(
        "Wan S2V",
        "wan.model:WanModel_S2V",
        lambda: {"audio_embed": noise(1, 25, 1024, 4 * FRAMES), "reference_latents": [latent(16, 1, seed=7)]},
        steady=False,
        num_layers=5,  # the fifth block is the last, and sound is added after it
    ),
    "Wan S2V going on": wan(
        "Wan S2V",
        "wan.model:WanModel_S2V",
        lambda: {
            "audio_embed": noise(1, 25, 1024, 4 * FRAMES),
            "reference_latents": [latent(16, 1, seed=7)],
            "reference_motion": latent(16, 19, seed=8),
        },
        steady=False,
    ),
    "Wan HuMo": wan(
        "Wan HuMo",
        "wan.model:HumoWanModel",
        lambda: {"audio_embed": noise(1, FRAMES, 8, 5, 1280), "reference_latents": [latent(16, 1, seed=7)]},
        steady=False,
    ),
    "Wan Animate": wan(
        "Wan Animate",
        "wan.model_animate:AnimateWanModel",
        lambda: {"clip_vision_output": seen(), "pose_video_latent": latent(16, FRAMES - 1, seed=7)},
        steady=False,
        in_dim=36,
        num_layers=5,
    ),
    "Wan SCAIL": wan(
        "Wan SCAIL",
        "wan.model:SCAILWanModel",
        lambda: {
            "clip_vision_output": seen(),
            "reference_latents": [latent(16, 1, seed=7)],
            "pose_video_latent": noise(1, 16, FRAMES, 4, 4),
        },
        steady=False,
        in_dim=20,
    ),
    "Wan SCAIL 2": wan(
        "Wan SCAIL 2",
        "wan.model:SCAIL2WanModel",
        lambda: {
            "clip_vision_output": seen(),
            "reference_latents": [latent(16, 1, seed=7)],
            "pose_video_latent": noise(1, 16, FRAMES, 4, 4),
            "driving_mask_28ch": torch.zeros(1, FRAMES, 28, 4, 4),
            "ref_mask_28ch": torch.zeros(1, FRAMES + 1, 28, 8, 8),
        },
        steady=False,
        in_dim=20,
    ),
    "Wan Animate 2": wan(
        "Wan Animate 2",
        "wan.model_animate2:WanAnimate2Model",
        lambda: {
            "clip_vision_output": seen(),
            "concat_latent_image": latent(16, seed=6),
            "pose_video_latent": latent(16, FRAMES - 1, seed=7),
        },
        steady=False,
        in_dim=36,
        metadata={"model_type": "animate2"},
    ),
    "Wan Dancer": wan(
        "Wan Dancer",
        "wan.model_wandancer:WanDancerModel",
        lambda: {
            "clip_vision_output": seen(),
            "clip_vision_output_ref": seen(),
            "audio_embed": noise(1, 12, 35),
        },
        steady=False,
        in_dim=36,
        music_latent_dim=256,
    ),
    "HunyuanVideo": hunyuan(lambda: {"guidance": 6.0}),
    "HunyuanVideo with reference": hunyuan(
        # Its ids are written in place, which fails where cond and uncond are one batch.
        lambda: {"ref_latent": latent(16, 1, seed=7), "guiding_frame_index": 0},
        cfg=1.0,
    ),
    "HunyuanVideo i2v": hunyuan(lambda: {"concat_latent_image": latent(16, seed=6)}, steady=False, in_channels=33),
    "SkyReels i2v": hunyuan(lambda: {"concat_latent_image": latent(16, seed=6)}, steady=False, in_channels=32),
    "HunyuanVideo 1.5": hunyuan(
        lambda: {
            "pooled_output": None,
            "conditioning_byt5small": noise(1, 4, 1472),
            "clip_vision_output": seen(1152, 9),
        },
        channels=32,
        in_channels=65,
        out_channels=32,
        patch_size=[1, 1, 1],
        vec_in_dim=None,
        guidance_embed=False,
        byt5=True,
        use_cond_type_embedding=True,
        vision_in_dim=1152,
        depth=4,
        depth_single_blocks=0,
        meanflow_sum=True,
    ),
    "LTX-Video": Member(
        "LTX-Video",
        partial(detected, "lightricks.model:LTXVModel", **LTX, caption_channels=4096),
        "lightricks.model:LTXVModel",
        (4096, 8),
        lambda: {"frame_rate": 25, "attention_mask": torch.ones(1, 8, dtype=torch.long)},
        (128,),
    ),
    "LTX-2": Member(
        "LTX-2",
        partial(detected, "lightricks.av_model:LTXAVModel", metadata=LTX_2, **LTX_2),
        "lightricks.av_model:LTXAVModel",
        (128, 8),
        lambda: {"frame_rate": 25},
        (128, 8),
    ),
    "Mochi": Member(
        "Mochi",
        partial(configured, "GenmoMochi", **MOCHI),
        "genmo.joint_model.asymm_models_joint:AsymmDiTJoint",
        (64, 16),
        lambda: {"attention_mask": torch.ones(1, 16, dtype=torch.long)},
        (12,),
    ),
    "Cosmos 1": Member(
        "Cosmos 1",
        partial(configured, "CosmosT2V", **COSMOS_1),
        "cosmos.model:GeneralDIT",
        (1024, 8),
        lambda: {"frame_rate": 24},
        steady=False,  # every frame has learned positions of its own
    ),
    "Cosmos Predict2": Member(
        "Cosmos Predict2",
        partial(configured, "CosmosT2IPredict2", **PREDICT2),
        "cosmos.predict2:MiniTrainDIT",
        (1024, 8),
        lambda: {"frame_rate": 16},
    ),
    "Kandinsky 5": Member(
        "Kandinsky 5",
        partial(
            configured,
            "Kandinsky5",
            image_model="kandinsky5",
            model_dim=128,
            axes_dims=(16, 24, 24),
            time_dim=64,
            ff_dim=256,
            visual_embed_dim=132,
            num_text_blocks=1,
            num_visual_blocks=4,
        ),
        "kandinsky5.model:Kandinsky5",
        (3584, 8),
        lambda: {"pooled_output": noise(1, 768)},
    ),
    "CogVideoX": Member(
        "CogVideoX",
        partial(
            detected,
            "cogvideo.model:CogVideoXTransformer3DModel",
            num_attention_heads=2,
            time_embed_dim=64,
            text_embed_dim=64,
            num_layers=4,
            use_rotary_positional_embeddings=True,
        ),
        "cogvideo.model:CogVideoXTransformer3DModel",
        (64, 8),
    ),
    "MiniMax H3": Member(
        "MiniMax H3",
        partial(
            detected,
            "minimax.model:MiniMaxH3Model",
            hidden_size=64,
            num_layers=4,
            token_refiner_num_layers=1,
            num_attention_heads=1,
            attention_head_dim=128,
            ffn_hidden_size=128,
            text_dim=48,
            timestep_input_dim=32,
            time_embed_hidden_size=32,
            time_embed_dim=32,
        ),
        "minimax.model:MiniMaxH3Model",
        (48, 8),
        channels=(24, 32),
    ),
    "Flux": flux("Flux", "flux.model:Flux", "flux.model:FluxParams", vec_in_dim=768, guidance_embed=True),
    "Chroma": flux(
        "Chroma",
        "chroma.model:Chroma",
        "chroma.model:ChromaParams",
        in_channels=64,
        out_channels=64,
        in_dim=64,
        out_dim=128,
        hidden_dim=128,
        n_layers=1,
        vec_in_dim=None,
    ),
    "Qwen-Image": Member(
        "Qwen-Image",
        partial(
            configured,
            "QwenImage",
            image_model="qwen_image",
            num_layers=4,
            num_attention_heads=1,
            joint_attention_dim=64,
        ),
        "qwen_image.model:QwenImageTransformer2DModel",
        (64, 8),
        frames=0,
    ),
    "Stable Diffusion 3": Member(
        "Stable Diffusion 3",
        partial(
            configured,
            "SD3",
            in_channels=16,
            patch_size=2,
            depth=4,
            input_size=None,
            adm_in_channels=2048,
            pos_embed_max_size=16,
            num_patches=256,
            context_embedder_config={"target": "torch.nn.Linear", "params": {"in_features": 64, "out_features": 256}},
        ),
        "modules.diffusionmodules.mmdit:OpenAISignatureMMDITWrapper",
        (64, 8),
        lambda: {"pooled_output": noise(1, 2048)},
        frames=0,
    ),
    "Lumina 2": Member(
        "Lumina 2",
        partial(
            configured,
            "Lumina2",
            image_model="lumina2",
            in_channels=16,
            dim=96,
            cap_feat_dim=64,
            n_layers=4,
            n_refiner_layers=1,
            n_heads=1,
            n_kv_heads=1,
            axes_dims=[32, 32, 32],
            axes_lens=[300, 512, 512],
            qk_norm=True,
            rope_theta=10000.0,
            ffn_dim_multiplier=2.0,
        ),
        "lumina.model:NextDiT",
        (64, 8),
        frames=0,
    ),
}
