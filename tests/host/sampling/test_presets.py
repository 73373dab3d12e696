"""The presets by intent keep their promise of steps, at any step count and under any sampler."""

from __future__ import annotations

import comfy.samplers
import pytest
import torch

SHARES = {"near-lossless": 2 / 3, "balanced": 1 / 2, "fast": 2 / 5, "turbo": 1 / 3}


@pytest.mark.parametrize("steps", [10, 20, 50])
@pytest.mark.parametrize("preset", SHARES)
def test_promised_steps(preset, steps, wan, sample, patch):
    """Whatever the step count, that share of it is computed, to a step."""
    patched = patch(wan(blocks=2), preset=preset)
    sample(patched.model, steps=steps)
    (run,) = patched.runs()
    assert not run.note and abs(run.computed - max(3, SHARES[preset] * steps)) <= 1
    assert not run.codebook and "planned" in run.summary()


@pytest.mark.parametrize(("sampler", "reused"), [("euler", [5, 7]), ("dpmpp_2m", [5, 7]), ("euler_ancestral", [])])
def test_a_distilled_model_s_eight_steps(sampler, reused, wan, sample, patch):
    """Two are reused, with a caution; none where the sampler adds noise, and the note says what it takes."""
    patched = patch(wan(blocks=2), preset="balanced")
    sample(patched.model, steps=8, sampler=sampler)
    (run,) = patched.runs()
    assert [record.step for record in run.records if not record.computed] == reused
    told = run.summary()
    assert ("Caution: with so few steps each changes much" in told) == bool(reused)
    assert ("8 steps leave nothing to reuse; it takes at least 9" in told) == (not reused)


def test_a_connected_codebook_decides(wan, sample, patch):
    """In place of the planned steps; the residuals are still forecast."""
    patched = patch(wan(blocks=2), preset="fast", text="1000:3 2000:1")
    sample(patched.model, steps=12)
    (run,) = patched.runs()
    assert run.codebook == "1000.00:3 2000.00:1" and run.settings["forecast"]
    assert [record.step for record in run.records if not record.computed] == [3, 4, 6, 7, 9, 10]


def test_a_connected_moreg_changes_nothing_and_says_so(wan, sample, patch):
    """Not of the video either: the plan is the preset's. With a codebook it counts."""
    latents = [sample(patch(wan(blocks=2), preset="fast").model, steps=12)]
    planned = patch(wan(blocks=2), preset="fast", moreg={"norm": 0.001, "power": 2.0})
    latents.append(sample(planned.model, steps=12))
    assert torch.equal(*latents)
    (run,) = planned.runs()
    assert "MoReg changed nothing: this preset plans its steps without motion." in run.summary()
    counted = patch(wan(blocks=2), preset="fast", text="1000:3 2000:1", moreg={"norm": 0.001, "power": 2.0})
    sample(counted.model, steps=12)
    (run,) = counted.runs()
    assert "MoReg changed nothing" not in run.summary()
    assert any(record.motion and record.motion > 1 for record in run.records)


@pytest.mark.parametrize("sampler", ["heun", "dpmpp_2m", "euler_ancestral", "uni_pc", "uni_pc_bh2", "res_multistep"])
def test_other_samplers(sampler, wan, sample, patch):
    """They reuse and forecast, corrected or not, without an error."""
    patched = patch(wan(blocks=2), preset="fast")
    assert torch.isfinite(sample(patched.model, steps=12, sampler=sampler)).all()
    (run,) = patched.runs()
    assert not run.note and run.reused > 0


# Computed among the first nine of 30 steps at half and at two fifths of them: by how a correction arrives, if it does.
@pytest.mark.parametrize(
    ("sampler", "half", "fewer"),
    [
        ("euler", [1, 2, 3, 4, 5, 6, 7, 9], [1, 2, 3, 4, 5, 7]),
        ("ddim", [1, 2, 3, 4, 5, 6, 7, 9], [1, 2, 3, 4, 5, 7]),
        ("uni_pc", [1, 2, 3, 4, 5, 6, 7, 9], [1, 2, 3, 4, 5, 6, 8]),
        ("dpmpp_2m", [1, 2, 3, 4, 5, 6, 7, 9], [1, 2, 3, 4, 5, 6, 8]),
        ("dpmpp_2m_sde", [1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 9]),
    ],
)
def test_the_plan_follows_the_sampler(sampler, half, fewer, wan, sample, patch):
    """Euler's errors are made good at once, UniPC's over the next steps, those of an SDE not at all."""
    for preset, first in (("balanced", half), ("fast", fewer)):
        patched = patch(wan(blocks=2), preset=preset)
        sample(patched.model, steps=30, sampler=sampler)
        (run,) = patched.runs()
        assert [record.step for record in run.records if record.computed and record.step < 10] == first


def test_the_model_says_how_noise_is_added(wan, sample, patch, call, pack_module, monkeypatch):
    """Part of the noise levels of a model that adds noise may lie below 1: that makes no flow model of it."""
    taken, real = [], pack_module("adacache.sampling.run").Correction

    def begun(sigmas, highest):
        taken.append((sigmas[0], highest))
        return real(sigmas, highest)

    monkeypatch.setattr(pack_module("adacache.sampling.run"), "Correction", begun)
    flow = wan(blocks=2)
    (adding,) = call("ModelSamplingDiscrete", model=flow, sampling="eps", zsnr=False)
    for model in (flow, adding):
        patched = patch(model, preset="fast")
        sample(patched.model, steps=10, denoise=0.3)
        assert not patched.runs()[-1].note
    (mixed, one), (added, most) = taken
    assert one == pytest.approx(1, abs=1e-4) and mixed < 1
    assert most > 14 and added < 1.5


def test_a_correction_that_fails(wan, sample, patch, pack_module, monkeypatch):
    """The run goes on, computed and uncorrected, and says why."""
    expected = sample(wan(blocks=2), steps=12)

    def fail(*_):
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(pack_module("adacache.sampling.deferred_correction").Correction, "__call__", fail)
    patched = patch(wan(blocks=2), preset="fast")
    assert torch.equal(sample(patched.model, steps=12), expected)
    (run,) = patched.runs()
    assert run.reused == 0 and "no memory" in run.note and run.end == "done"


def test_churn_is_not_corrected(wan, patch, call, conds):
    """Noise that is added before a step moves the latent otherwise: nothing is corrected, and nothing fails."""
    (noise,) = call("RandomNoise", noise_seed=1)
    patched = patch(wan(blocks=2), preset="fast")
    (guider,) = call("CFGGuider", model=patched.model, cfg=3.0, **conds())
    (latent, *_) = call(
        "SamplerCustomAdvanced",
        noise=noise,
        guider=guider,
        sampler=comfy.samplers.ksampler("euler", {"s_churn": 5.0}),
        sigmas=torch.linspace(1.0, 0.0, 13),
        latent_image={"samples": torch.zeros(1, 16, 3, 8, 8)},
    )
    assert torch.isfinite(latent["samples"]).all()
    assert patched.runs()[0].reused > 0
