"""A run begins and ends with one sampling, whatever the graph does around it."""

from __future__ import annotations

import gc

import pytest
import torch


def computed(run):
    return [record.step for record in run.records if record.computed]


def hidden_states(channels: int = 128) -> list[torch.Tensor]:
    """Token sequences of the network's width, and latents, that are still alive."""
    gc.collect()
    tensors = [o for o in gc.get_objects() if type(o) is torch.Tensor]
    tokens = [t for t in tensors if t.ndim == 3 and t.shape[-1] == channels and t.shape[1] > 60]
    return tokens + [t for t in tensors if t.ndim == 5 and t.shape[1:] == (16, 3, 8, 8)]


def test_first_second_and_last_two_steps_are_computed(wan, sample, loose, on):
    """The published rule in the real host: steps are labelled from 1, and both ends are computed."""
    patched = loose(wan(), on=on)
    sample(patched.model, steps=16)
    (run,) = patched.runs()
    assert [r.step for r in run.records] == list(range(1, 17))
    assert {1, 2, 15, 16} <= set(computed(run)) and run.reused > 0
    assert (
        run.end == "done" and run.info.family == {"trunk": "Wan", "answer": "WAN21"}[on] and run.info.sampler == "euler"
    )


def test_two_samplers_on_one_model_are_two_runs(wan, sample, loose):
    """Each sampling of a MODEL has its own run and gives what it gives alone."""
    patched = loose(wan())
    first, second = sample(patched.model, seed=1), sample(patched.model, seed=2)
    assert torch.equal(second, sample(loose(wan()).model, seed=2))
    assert torch.equal(first, sample(patched.model.clone(), seed=1))
    assert torch.equal(first, sample(patched.model, seed=1))
    runs = patched.runs()
    assert len(runs) == 4 and len({run.info.run_id for run in runs}) == 4
    assert computed(runs[0]) == computed(runs[2]) == computed(runs[3])


def test_cancelling_frees_everything_and_the_next_run_is_clean(wan, sample, loose, host, on):
    """A run that is cancelled in its middle leaves a marked trace, no tensor and no hook behind."""
    patched = loose(wan(), on=on)
    expected = sample(patched.model, steps=16)
    before = len(hidden_states())

    def cancel(step: int) -> None:
        if step == 6:
            host.model_management.interrupt_current_processing()

    with pytest.raises(host.model_management.InterruptProcessingException):
        sample(patched.model, steps=16, callback=cancel)
    _, run = patched.runs()
    assert run.end == "cancelled" and len(run.records) == 7 and "cancelled" in run.summary()
    assert len(hidden_states()) == before
    network = patched.model.model.diffusion_model
    assert not any(module._forward_hooks for module in network.modules())
    assert torch.equal(sample(patched.model, steps=16), expected)


def test_a_failing_block_fails_the_run_as_it_would_without_us(wan, sample, loose):
    """An error inside the network reaches the user; the trace says that the run failed, and nothing is kept."""
    patched = loose(wan())
    calls = []

    def fail(module, args):
        calls.append(1)
        if len(calls) == 5:
            raise RuntimeError("a broken block")

    hook = patched.model.model.diffusion_model.blocks[3].register_forward_pre_hook(fail)
    try:
        with pytest.raises(RuntimeError, match="a broken block"):
            sample(patched.model, steps=16)
    finally:
        hook.remove()
    (run,) = patched.runs()
    assert run.end == "failed" and "a broken block" in run.end_detail
    assert torch.equal(sample(patched.model, steps=16), sample(loose(wan()).model, steps=16))


def test_our_own_failure_does_not_fail_the_run(wan, sample, loose, engine, monkeypatch, on):
    """If caching fails (no memory for the copy, say), the run goes on uncached and says why."""

    def no_memory(self, *_):
        raise torch.OutOfMemoryError("no room for the copy")

    call, name = {"trunk": ("TrunkCall", "enter"), "answer": ("AnswerCall", "keep")}[on]
    monkeypatch.setattr(getattr(engine.evaluation, call), name, no_memory)
    patched = loose(wan(), on=on)
    assert torch.equal(sample(patched.model, steps=12), sample(wan(), steps=12))
    (run,) = patched.runs()
    assert run.reused == 0 and "no room for the copy" in run.note and run.end == "done"


def test_nothing_is_kept_when_a_run_is_done(wan, sample, loose, on):
    """What was cached is freed when the sampler returns."""
    patched = loose(wan(), on=on)
    before = len(hidden_states())
    sample(patched.model, steps=12)
    assert len(hidden_states()) == before
    assert patched.runs()[0].cache_bytes > 0


def test_a_high_and_low_noise_pair_is_two_runs(wan, loose, advanced):
    """Wan 2.2: two models, two KSamplerAdvanced, each with its own steps and both ends computed."""
    high, low = loose(wan()), loose(wan())
    latent = advanced(high.model, steps=24, start=0, end=12, noise=True, leftover=True)
    advanced(low.model, steps=24, start=12, end=24, noise=False, leftover=False, latent=latent)
    (first,), (second,) = high.runs(), low.runs()
    for run in (first, second):
        assert run.steps == len(run.records) == 12
        assert {1, 2, 11, 12} <= set(computed(run)) and run.reused > 0
    assert first.records[-1].sigma > second.records[0].sigma


def test_one_model_in_both_samplers_of_a_pair(wan, loose, advanced):
    """The same MODEL in two samplers that follow each other gives two runs as well."""
    both = loose(wan())
    latent = advanced(both.model, steps=24, start=0, end=12, noise=True, leftover=True)
    advanced(both.model, steps=24, start=12, end=24, noise=False, leftover=False, latent=latent)
    assert [run.steps for run in both.runs()] == [12, 12]


def test_partial_denoise_takes_the_tail_of_the_schedule(wan, sample, loose):
    """denoise 0.5 of 12 steps runs 12 steps that start at half the noise."""
    patched = loose(wan())
    sample(patched.model, steps=12, denoise=0.5)
    (run,) = patched.runs()
    assert run.steps == 12 and run.records[0].sigma < 0.95 and {1, 2, 11, 12} <= set(computed(run))


def test_split_sigmas_are_two_runs(wan, loose, custom):
    """SamplerCustomAdvanced with SplitSigmas: each part is a run whose first and last steps are computed."""
    patched = loose(wan())
    custom(patched.model, steps=24, split=12)
    first, second = patched.runs()
    assert first.steps == second.steps == 12
    assert all({1, 2, 11, 12} <= set(computed(run)) and run.reused > 0 for run in (first, second))


def test_start_and_end_percent_and_the_cap_are_kept(wan, sample, patch):
    """No reuse outside the window, and never more than the cap in a row."""
    patched = patch(wan(), text="1000:8 2000:1", start_percent=0.3, end_percent=0.8, max_reuses=2)
    sample(patched.model, steps=20)
    (run,) = patched.runs()
    sampling = patched.model.get_model_object("model_sampling")
    high, low = sampling.percent_to_sigma(0.3), sampling.percent_to_sigma(0.8)
    assert run.reused > 0
    assert all(low <= r.sigma <= high for r in run.records if not r.computed)
    gaps = [b - a - 1 for a, b in zip(computed(run), computed(run)[1:], strict=False)]
    assert max(gaps) == 2


def test_the_same_run_twice_gives_the_same_video(wan, sample, loose):
    """Same graph, same seed: same picture."""
    patched = loose(wan())
    assert torch.equal(sample(patched.model, seed=7), sample(patched.model, seed=7))
