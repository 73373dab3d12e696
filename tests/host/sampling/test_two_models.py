"""A guider that asks one model for the positive prompt and another for the negative one, as newer hosts bring."""

from __future__ import annotations

import comfy.sampler_helpers
import comfy.samplers
import pytest
import torch


class TwoModels(comfy.samplers.CFGGuider):
    def __init__(self, first, second):
        super().__init__(first)
        self.second = second

    def outer_sample(self, noise, *args, **kwargs):
        conds = {"negative": [one.copy() for one in self.conds["negative"]]}
        options = self.second.model_options
        self.asked, conds, loaded = comfy.sampler_helpers.prepare_sampling(self.second, noise.shape, conds, options)
        self.second.pre_run()
        try:
            return super().outer_sample(noise, *args, **kwargs)
        finally:
            self.second.cleanup()
            comfy.sampler_helpers.cleanup_models(conds, loaded)

    def predict_noise(self, x, timestep, model_options={}, seed=None):  # noqa: B006 the host's own signature
        pairs = ((self.inner_model, "positive"), (self.asked, "negative"))
        positive, negative = (
            comfy.samplers.calc_cond_batch(model, [self.conds[side]], x, timestep, model_options)[0]
            for model, side in pairs
        )
        return negative + 3.0 * (positive - negative)


@pytest.fixture
def asked(call, conds):
    """Samples with two models; how often each one's network was asked."""

    def run(first, second) -> tuple[int, int]:
        counts = [0, 0]

        def counting(place):
            def count(*_):
                counts[place] += 1

            return count

        guider = TwoModels(first, second)
        sides = conds()
        guider.set_conds(sides["positive"], sides["negative"])
        (noise,), (sampler,) = call("RandomNoise", noise_seed=1), call("KSamplerSelect", sampler_name="euler")
        (sigmas,) = call("BasicScheduler", model=first, scheduler="simple", steps=12, denoise=1.0)
        given = {"noise": noise, "guider": guider, "sampler": sampler, "sigmas": sigmas}
        networks = [one.model.diffusion_model for one in (first, second)]
        with networks[0].register_forward_pre_hook(counting(0)), networks[1].register_forward_pre_hook(counting(1)):
            call("SamplerCustomAdvanced", **given, latent_image={"samples": torch.zeros(1, 16, 3, 8, 8)})
        return counts[0], counts[1]

    return run


@pytest.mark.parametrize("both", [False, True])
def test_on_the_first_model(both, wan, patch, asked) -> None:
    """Both networks are spared alike, in one run, whether or not the second model is patched as well."""
    first, second = patch(wan(), text="1000:3 2000:1"), patch(wan(), text="1000:3 2000:1")
    assert asked(first.model, second.model if both else wan()) == (6, 6)
    (run,) = first.runs()
    assert (run.reused, run.note) == (6, "") and second.runs() == []


def test_on_the_second_model_only(wan, patch, asked) -> None:
    """Nothing can be cached from there, and a run says so, with what to do."""
    second = patch(wan(), preset="balanced")
    assert asked(wan(), second.model) == (12, 12)
    (run,) = second.runs()
    assert (run.records, run.end) == ([], "done") and "the first, the positive one" in run.note


def test_a_run_that_cannot_begin_is_its_own(wan, patch, asked, pack_module, monkeypatch) -> None:
    """The reason why it could not begin is told, once, and no other one is thought of."""

    def fails(*_: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(pack_module("nodes.host.wrappers"), "open_session", fails)
    first = patch(wan(), preset="balanced")
    assert asked(first.model, wan()) == (12, 12)
    (run,) = first.runs()
    assert (run.records, run.end) == ([], "done") and "could not start: RuntimeError: on purpose" in run.note
