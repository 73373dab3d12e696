"""Tiny random networks of the host's own classes, loaded by its own loader where it can tell them by their weights."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.ops
import comfy.sd
import comfy.supported_models
import torch
from torch import nn

FIXED = ("inv_freq", "freqs")  # tables, not weights


def detected(path: str, metadata: dict[str, Any] | None = None, **layout: Any) -> Any:
    """A MODEL of the network class at `path`, which the host recognises by its weights (and metadata)."""
    told = {"metadata": {"config": json.dumps({"transformer": metadata})}} if metadata else {}
    network = class_at(path)(**layout, operations=comfy.ops.disable_weight_init, dtype=torch.float32)
    model = comfy.sd.load_diffusion_model_state_dict(weights_of(network), **told)
    assert model is not None, f"the host did not recognise {path}"
    assert type(model.model.diffusion_model) is class_at(path)
    return model


def configured(name: str, **layout: Any) -> Any:
    """A MODEL of a class of `comfy/supported_models.py`, whose detection fixes sizes too large for a test."""
    config = getattr(comfy.supported_models, name)(dict(layout))
    config.set_inference_dtype(torch.float32, None)
    config.custom_operations = config.custom_operations or comfy.ops.disable_weight_init
    model = config.get_model({}, "")
    model.diffusion_model.load_state_dict(weights_of(model.diffusion_model))
    cpu = torch.device("cpu")
    return comfy.model_patcher.ModelPatcher(model, cpu, cpu)


def known(path: str, layout: dict[str, Any]) -> dict[str, Any]:
    """Those of the fields that a network's parameters have in this host."""
    fields = class_at(path).__dataclass_fields__
    return {name: value for name, value in layout.items() if name in fields}


def class_at(path: str) -> type[nn.Module]:
    """A class below comfy.ldm, such as `wan.model:WanModel`.

    Raises:
        ImportError, AttributeError: this host does not have it.
    """
    module, name = path.split(":")
    return getattr(import_module(f"comfy.ldm.{module}"), name)


def weights_of(network: nn.Module) -> dict[str, torch.Tensor]:
    """Random weights that keep a hidden state's size; the host's layers leave their memory as it was."""
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for name, old in network.state_dict().items():
        if not old.is_floating_point():
            weights[name] = torch.zeros_like(old)
            continue
        scale = old[0].numel() ** -0.5 if old.dim() > 1 else 0.1
        weights[name] = torch.randn(old.shape, generator=generator) * scale
        if name.endswith(FIXED):
            weights[name] = weights[name].abs()
        elif "norm" in name and name.endswith(("weight", "scale")):
            weights[name] += 1.0
    return weights
