"""The nodes as a graph uses them: schema, errors, and what Cache Stats says."""

from __future__ import annotations

import json

import pytest
import torch


def test_bad_codebook_text_names_node_field_position_and_what_is_allowed(pack):
    """The graph is rejected before anything runs, with a text that tells how to mend it."""
    node = pack["AdaCacheCodebook"]
    said = node.validate_inputs("0.08:6 0.16x5")
    for words in ("AdaCache Codebook", "text", 'entry 2 at character 8 is "0.16x5"', "threshold:rate"):
        assert words in said
    with pytest.raises(ValueError, match="AdaCache Codebook: text: entry 2"):
        node.execute("my own text", "0.08:6 0.16x5", 0)
    assert node.validate_inputs("") is True
    assert node.execute("paper fast, 30 steps", "", 0).result[0]


def test_linked_widgets_are_checked_when_the_node_runs(pack):
    """A widget that another node feeds is not known when the graph is queued, and no reason to refuse it."""
    assert pack["AdaCacheCodebook"].validate_inputs(None) is True
    assert pack["AdaCacheMoRegSettings"].validate_inputs(None) is True
    assert pack["AdaCachePatchModel"].validate_inputs(None) is True


@pytest.mark.parametrize(
    ("text", "problem"),
    [("0.2:4 0.1:6", "ascend"), ("0.1:0", "below 1"), ("-1:3", "above 0"), ("0.1:2.5", "entry 1")],
)
def test_codebooks_that_cannot_work(pack, text, problem):
    """Every way to write a codebook wrong has its own words."""
    assert problem in pack["AdaCacheCodebook"].validate_inputs(text)


def test_an_empty_codebook_text_is_no_mistake_until_it_is_used(pack):
    with pytest.raises(ValueError, match=r"AdaCache Codebook: text: .*empty"):
        pack["AdaCacheCodebook"].execute("my own text", " ", 0)


def test_a_window_that_is_empty_is_refused(pack, wan):
    """start_percent must lie before end_percent."""
    node = pack["AdaCachePatchModel"]
    with pytest.raises(ValueError, match=r"AdaCache Patch Model: start_percent"):
        node.execute(wan(), "as published (fast)", 1.0, 0.8, 0.2, 0, "auto")


def test_moreg_strides_are_whole_numbers(pack):
    """Bad strides name the node, the field and what is allowed."""
    for strides, shown in (
        ("1 x", "1 x"),
        ("0", "0"),
        ("1, 0", "1 0"),
        ("\u0662", "\u0662"),
        ("1 " * 9, "1 " * 8 + "1"),
    ):
        said = pack["AdaCacheMoRegSettings"].validate_inputs(strides)
        assert said.startswith(f'MoReg Settings: strides: "{shown}"; allowed: 1 to 8 whole numbers from 1 to 1000')
    (moreg,) = pack["AdaCacheMoRegSettings"].execute("1, 2", 0.385, 8.0, 1.0, 10.0, 0, 0).result
    assert moreg.strides == (1, 2) and moreg.window(30) == (4, 26)


def test_cache_stats_tells_the_run(wan, sample, loose, stats):
    """Text, counts, speed-up, JSON and picture come from one trace; the value passes through."""
    patched = loose(wan())
    latent = {"samples": sample(patched.model, steps=16)}
    value, summary, computed, reused, speed_up, trace, plot, schedule = stats(patched.handle, latent)
    (run,) = patched.runs()
    assert value is latent
    assert (computed, reused) == (run.computed, run.reused) and computed + reused == 16 and reused > 0
    assert f"{computed} of 16 steps computed" in summary and speed_up == pytest.approx(run.speed_up)
    told = json.loads(trace)
    assert told["version"] == 1 and told["runs"][0]["derived"]["computed"] == computed
    assert schedule == run.locked_text and schedule.startswith("16 steps: 1 2 ")
    assert plot.ndim == 4 and plot.shape[-1] == 3 and plot.dtype == torch.float32 and 0 <= plot.min() <= plot.max() <= 1


def test_cache_stats_without_a_run_says_what_to_do(wan, patch, stats):
    """Preset off, or a value that does not come from the sampler: no error, but an explanation."""
    patched = patch(wan(), preset="off")
    _, summary, computed, reused, speed_up, _, plot, schedule = stats(patched.handle, 1)
    assert "No run was recorded" in summary and (computed, reused, speed_up) == (0, 0, 1.0) and plot.ndim == 4
    assert schedule == ""


def test_cache_stats_reads_only_the_samplers_before_it(pack, stats_module):
    """Of several samplers on one model, those that the value comes from are found in the queued graph."""
    prompt = {
        "1": {"inputs": {"model": ["9", 0]}},
        "2": {"inputs": {"model": ["9", 0], "latent_image": ["1", 0], "steps": 30}},
        "3": {"inputs": {"handle": ["9", 1], "value": ["1", 0]}},
        "9": {"inputs": {}},
    }
    assert stats_module.upstream(prompt, "3", "value") == {"1", "9"}
    assert stats_module.upstream(None, None, "value") == set()
