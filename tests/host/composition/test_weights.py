"""Half and quarter precision weights, and weights that are brought in layer by layer."""

from __future__ import annotations

import comfy.model_patcher
import comfy.sd
import pytest
import torch
from members import MEMBERS
from test_families import Rig

REUSE = "1000:3 2000:1"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2])
def test_smaller_weights(dtype, rig, composes) -> None:
    """Stored in fewer bits and cast where they are used."""
    weights = {key: value.clone() for key, value in rig.model.model.diffusion_model.state_dict().items()}
    rig.model = comfy.sd.load_diffusion_model_state_dict(weights, model_options={"dtype": dtype})
    assert rig.model.model.diffusion_model.blocks[0].ffn[0].weight.dtype == dtype
    run = composes(rig, rig.model)
    assert run.reused == 4 and all(r.distance is None or r.distance > 0 for r in run.records)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_computing_in_half_precision(dtype, rig, call, patch) -> None:
    """The hidden state is of that type, and so is R; sums are not, nor are answers."""
    weights = {key: value.to(dtype) for key, value in rig.model.model.diffusion_model.state_dict().items()}
    rig.model = comfy.sd.load_diffusion_model_state_dict(weights, model_options={"dtype": dtype})
    rig.model.model.manual_cast_dtype = None
    half = rig.patch(rig.model, text=REUSE)
    full = rig.patch(Rig(MEMBERS["Wan t2v"], call, patch).model, text=REUSE)
    rig.sample(full.model)
    rig.sample(half.model)
    (big,), (small,) = full.runs(), half.runs()
    assert not small.note and small.reused == 4
    assert small.cache_bytes < big.cache_bytes if rig.on == "trunk" else small.cache_bytes == big.cache_bytes
    every = rig.patch(rig.model, text="1.0:1")
    assert torch.equal(rig.sample(every.model), rig.sample(rig.model))


def test_partly_loaded(rig, call, lora, composes, monkeypatch) -> None:
    """Low memory: weights stay where they are, and a LoRA is added as each is used."""
    load = comfy.model_patcher.ModelPatcher.load

    def scarce(self, device_to=None, lowvram_model_memory=0, force_patch_weights=False, full_load=False):
        return load(self, device_to, 1000, force_patch_weights, False)

    monkeypatch.setattr(comfy.model_patcher.ModelPatcher, "load", scarce)
    (model,) = call("LoraLoaderModelOnly", model=rig.model, lora_name=lora, strength_model=1.0)
    run = composes(rig, model)
    assert run.reused == 4
    block = rig.model.model.diffusion_model.blocks[2].ffn[0]
    assert block.comfy_cast_weights and rig.model.model.model_lowvram
