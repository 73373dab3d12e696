"""A locked schedule in the host: a draft's decisions, replayed through the nodes."""

from __future__ import annotations

import pytest
import torch

NAME = "AdaCache Patch Model"


def computed(run):
    return [record.step for record in run.records if record.computed]


def test_a_replay_gives_the_same_video(wan, sample, loose, patch, stats):
    """What Cache Stats gives as schedule, locked, repeats the run bit for bit, and says that it is locked."""
    draft = loose(wan())
    expected = sample(draft.model, steps=16)
    schedule = stats(draft.handle, expected)[-1]
    replay = patch(wan(), locked_schedule=schedule)
    assert torch.equal(sample(replay.model, steps=16), expected)
    (first,), (second,) = draft.runs(), replay.runs()
    assert first.reused > 0 and computed(second) == computed(first)
    assert second.settings["locked"] == schedule == stats(replay.handle, expected)[-1]
    assert "locked schedule" in second.summary()


def test_another_seed_follows_the_same_schedule(wan, sample, patch):
    """The decisions no longer depend on what is measured; the distance is recorded all the same."""
    patched = patch(wan(), locked_schedule="12 steps: 1 2 5 9 12", max_reuses=1, start_percent=0.5)
    sample(patched.model, seed=1)
    sample(patched.model, seed=2)
    for run in patched.runs():
        assert computed(run) == [1, 2, 5, 9, 12]
        assert [r.step for r in run.records if r.distance is not None] == [2, 5, 9, 12]


def test_another_step_count_computes_everything(wan, sample, patch):
    """A schedule for 30 steps in a run of 12: the result of the plain model, and a reason."""
    patched = patch(wan(), locked_schedule="30 steps: 1 2 3")
    assert torch.equal(sample(patched.model), sample(wan()))
    (run,) = patched.runs()
    assert run.reused == 0 and "is for 30 steps, and this run has 12" in run.note


def test_bad_text_is_refused_before_the_run(pack, wan):
    """The error names the node, the field, the position and what is allowed; so does a linked text's."""
    node = pack["AdaCachePatchModel"]
    said = node.validate_inputs("12 steps: 1 13")
    assert said.startswith(f'{NAME}: locked_schedule: entry 2 at character 13 is "13"')
    assert "allowed: 1 to 12" in said
    with pytest.raises(ValueError, match=f"{NAME}: locked_schedule: entry 2"):
        node.execute(wan(), "as published (fast)", 1.0, 0.0, 1.0, 0, "auto", locked_schedule="12 steps: 1 13")


@pytest.mark.parametrize("text", [None, "", " \n", "12 steps: 1 12"])
def test_text_that_is_no_mistake(pack, text):
    """A linked text is not known before the run, and an empty one locks nothing."""
    assert pack["AdaCachePatchModel"].validate_inputs(text) is True
    assert pack["AdaCachePatchModel"].validate_inputs() is True


def test_old_workflows_load(pack):
    """The new widget comes after the ones there were, and the new output after the others."""
    order = list(pack["AdaCachePatchModel"].INPUT_TYPES()["optional"])
    assert order == ["codebook", "moreg", "locked_schedule"]
    assert pack["AdaCacheStats"].RETURN_NAMES[-3:] == ["trace", "plot", "schedule"]
