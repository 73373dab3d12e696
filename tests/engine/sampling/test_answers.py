"""Answers: reused per stream, never shared with anybody, in two tensors of their size, and measured as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from adacache import Codebook, MoRegSettings, Reason, Run, Settings
from adacache.sampling.cache import StreamKey
from adacache.sampling.sampler import Sampler

STEPS = 30
BY_INTENT = Settings(share=0.4, forecast=True, reuses="answer")
SHAPE = (1, 4, 6, 2, 2)


def walk(step: int, seed: int = 0, shape: Sequence[int] = SHAPE) -> Tensor:
    """An answer that drifts, slowly in the middle of the run."""
    torch.manual_seed(seed)
    start, way = torch.randn(2, *shape)
    return start + way * (step - 15) ** 3 / 3000


def film(
    run: Run,
    keys: Callable[[int], Sequence[str]] = lambda step: ("cond", "uncond"),
    answer: Callable[[int, str], Tensor] = lambda step, key: walk(step, len(key)),
    frames: int = 2,
) -> list[dict[str, Tensor]]:
    """What every step gives for every key, and one call an evaluation."""
    given = []
    for step in range(1, run.trace.steps + 1):
        with run.evaluation(1 - (step - 1) / run.trace.steps) as evaluation:
            now = list(keys(step))
            answers = [answer(step, key) for key in now]
            call = evaluation.answer(now, [(one,) for one in answers], frames)
            if call.compute:
                call.keep([(one.clone(),) for one in answers], run.settings.forecast)
            else:
                answers = [parts[0] for parts in call.reuse()]
            given.append(dict(zip(now, answers, strict=True)))
    return given


def computed(run: Run) -> list[int]:
    return [record.step for record in run.trace.records if record.computed]


def test_each_stream_gets_its_own() -> None:
    """Held where it is held: a reused step gives each stream the answer of its last computed one."""
    run = Run(Settings(codebooks=(Codebook.parse("1000:3 2000:1"),), reuses="answer"), STEPS)
    given = film(run)
    assert computed(run) == [1, 2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 30]
    for step in (3, 4, 6, 27):
        last = max(one for one in computed(run) if one < step)
        for key in ("cond", "uncond"):
            assert torch.equal(given[step - 1][key], walk(last, len(key)))


def test_nothing_is_shared() -> None:
    """What is given out may be written into by anybody, and what was handed in is the run's."""
    plain, spoilt = Run(BY_INTENT, STEPS), Run(BY_INTENT, STEPS)
    expected = [{key: one.clone() for key, one in step.items()} for step in film(plain)]
    kept: list[Tensor] = []

    def keys(step: int) -> Sequence[str]:
        for one in kept:
            one.fill_(float("nan"))
        kept.clear()
        return ("cond", "uncond")

    def answer(step: int, key: str) -> Tensor:
        kept.append(walk(step, len(key)))
        return kept[-1]

    for before, after in zip(expected, film(spoilt, keys, answer), strict=True):
        kept += after.values()
        del before
    assert computed(plain) == computed(spoilt)


def test_two_tensors_a_stream() -> None:
    """An answer and its trend are kept, and one more while they are made; with two prompts five at most."""
    run = Run(BY_INTENT, STEPS)
    film(run)
    assert all(len(run.cache.get(key).tensors()) == 2 for key in run.cache)
    one = torch.empty(SHAPE).nbytes
    assert run.cache.nbytes == 4 * one
    assert 4 * one < run.cache.peak_bytes <= 6 * one


def test_memory_of_a_real_model() -> None:
    """Wan 14B at 1280x720 with 81 frames, two prompts: 16 channels of 21 x 90 x 160, counted from a small run."""
    small, real = (1, 16, 2, 3, 4), (1, 16, 21, 90, 160)
    run = Run(BY_INTENT, STEPS, sampler=Sampler(sigmas=[1 - n / STEPS for n in range(STEPS + 1)], highest_sigma=1.0))
    for step in range(1, STEPS + 1):
        with run.evaluation(1 - (step - 1) / STEPS) as evaluation:
            answers = [(walk(step, seed, small),) for seed in (1, 2)]
            call = evaluation.answer(["cond", "uncond"], answers, 2)
            if call.compute:
                call.keep([(part.clone(),) for (part,) in answers], True)
            else:
                answers = call.reuse()
            run.corrected(evaluation, walk(0, 5, small), answers[0][0])
    scale = torch.empty(real, device="meta").numel() / torch.empty(small).numel()
    assert run.trace.cache_bytes * scale < 0.2e9, "4.6 GB where the trunk's residual is kept"
    run.close()
    assert run.cache.nbytes == 0


def test_a_new_stream_is_computed() -> None:
    """It has nothing to reuse in a step that would; the record says how much of the step was computed."""
    run = Run(Settings(codebooks=(Codebook.parse("1000:3 2000:1"),), reuses="answer"), STEPS)
    for step in range(1, 7):
        with run.evaluation(1 - step / 40) as evaluation:
            for window in ("a", "b", "c") if step != 4 else ("a", "b", "new"):
                call = evaluation.answer([window], [(walk(step),)])
                if call.compute:
                    call.keep([(walk(step),)], False)
                else:
                    call.reuse()
    assert [record.reason for record in run.trace.records[2:5]] == [Reason.REUSED, Reason.MISSING, Reason.SCHEDULED]
    found = [(record.passes, record.computed_passes) for record in run.trace.records]
    assert found == [(3, 3), (3, 3), (3, 0), (3, 1), (3, 3), (3, 0)]


@pytest.mark.parametrize("shape", [(1, 4, 6, 2, 3), (2, 4, 6, 2, 2)])
def test_an_answer_of_another_shape_is_computed(shape: tuple[int, ...]) -> None:
    run = Run(BY_INTENT, STEPS)
    film(run, answer=lambda step, key: walk(step, len(key), SHAPE if step < 14 else shape))
    assert 14 in computed(run) and run.trace.reused > 10 and not run.refused


def test_distance_and_motion_are_those_of_the_answer() -> None:
    """The relative change per planned step, and frames compared along the latent's own axis."""
    run = Run(Settings(mode="measure", reuses="answer"), 12)
    still = torch.ones(1, 4, 1, 2, 2).expand(SHAPE)
    film(run, lambda step: ["one"], lambda step, key: still * step)
    assert [record.distance for record in run.trace.records[1:]] == [pytest.approx(1 / n) for n in range(1, 12)]
    assert all(record.score == 0 for record in run.trace.records)
    run = Run(Settings(mode="measure", reuses="answer"), 12)
    alternating = torch.ones(SHAPE) * torch.tensor([1.0, -1.0] * 3).view(1, 1, 6, 1, 1)
    film(run, lambda step: ["one"], lambda step, key: alternating * step)
    assert all(record.score == pytest.approx(1) for record in run.trace.records)


def test_motion_is_that_of_the_denoised_latent() -> None:
    """Where it is handed in, beside the answer that the distance is taken of."""
    run = Run(Settings(mode="measure", reuses="answer"), 12)
    alternating = torch.ones(SHAPE) * torch.tensor([1.0, -1.0] * 3).view(1, 1, 6, 1, 1)
    for step in range(1, 3):
        with run.evaluation(1 - step / 12) as evaluation:
            call = evaluation.answer([""], [(alternating,)], 2)
            call.keep([(alternating * step,)], False, [torch.ones(SHAPE)])
    assert [record.score for record in run.trace.records] == [0, 0]
    assert run.trace.records[1].distance == pytest.approx(1)


def test_only_the_videos_motion_counts() -> None:
    """Of video and sound, sound has no frames."""
    run = Run(Settings(moreg=MoRegSettings(norm=0.5), reuses="answer"), 12)
    with run.evaluation(1.0) as evaluation:
        parts = (torch.ones(SHAPE), torch.randn(1, 64))
        evaluation.answer([""], [parts], 2).keep([parts], False)
    assert run.trace.records[0].score == 0


def test_a_stream_that_kept_another_company() -> None:
    """The distance is taken between planned evaluations, and never from one that was computed in between."""
    run = Run(Settings(codebooks=(Codebook.parse("1000:4 2000:1"),), reuses="answer"), STEPS)
    for step in range(1, 8):
        keys = ["a", "b"] if step > 3 else ["a"]
        with run.evaluation(1 - step / 40) as evaluation:
            call = evaluation.answer(keys, [(torch.full((1, 2), float(step)),)] * len(keys))
            if call.compute:
                call.keep([(torch.full((1, 2), float(step)),) for _ in keys], False)
            else:
                call.reuse()
    assert computed(run) == [1, 2, 4, 6, 7]
    assert run.trace.records[3].reason is Reason.MISSING
    assert run.trace.records[5].distance is None


def test_noise_that_rises_restarts_the_trend() -> None:
    run = Run(BY_INTENT, STEPS)
    film(run)
    key = StreamKey(0, "cond", 0)
    assert run.cache.get(key).trend is not None
    with run.evaluation(1.0):
        assert run.cache.get(key).trend is None
    run.close()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0])
def test_an_answer_that_cannot_be_measured(value: float) -> None:
    """NaN, infinity or zeros have no distance: every step is computed, without an error."""
    for settings in (BY_INTENT, Settings(reuses="answer")):
        run = Run(settings, STEPS)
        film(run, answer=lambda step, key: torch.full(SHAPE, value))
        assert run.trace.computed == STEPS and not run.refused


def test_a_noise_level_that_the_list_does_not_have() -> None:
    """What the device says is read with the measure; where it is another level, nothing is reused."""
    for level, refused in ((0.9, False), (0.8, True)):
        run = Run(BY_INTENT, STEPS)
        with run.evaluation(0.9) as evaluation:
            evaluation.level = torch.tensor(level)
            evaluation.answer([""], [(torch.ones(1, 2),)]).keep([(torch.ones(1, 2),)], True)
        assert run.refused is refused
        assert not refused or "noise levels other than its list's" in run.trace.note
