"""Every widget of every node is given what no browser sends: it is taken, or refused once with node and field named."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

HUGE = 10**30
ODD: dict[str, list[Any]] = {
    "INT": [0, -1, 1, 17, 10**9, -(2**63), 2**64, HUGE, -HUGE],
    "FLOAT": [0.0, -0.0, -1.0, 1.0, 1e-320, 1e308, -1e308, math.nan, math.inf, -math.inf],
    "BOOLEAN": [True, False],
    "STRING": [
        *("", " ", "\x00", "x", "0", "-1", "1 2", "٢", "NaN", "1e999", "null", "{}", "[]", "{", '{"version":1}'),
        *("../../evil", "/etc/passwd", "a/b", "con", "\u202eabc", "\ud800", "ß" * 70, "9" * 400, "a" * 100_000),
        *("0.1:2 0.2:1", "0.1:" + "9" * 400, "1e308:2", "0.2:1 0.1:2", "30 steps: 1 2", "30 steps: 2", "0 steps: 1"),
        *('{"version":1,"runs":[{}]}', '{"adacache_calibration":1}', "[" * 100_000, "turbo, fast", "1,,2", "1 " * 400),
    ],
}
ODD["COMBO"] = [*ODD["STRING"][:12], "no such choice", None, 1e308, [], {}]  # JSON that the host does not convert


def video() -> torch.Tensor:
    return torch.rand(2, 16, 16, 3, generator=torch.Generator().manual_seed(1))


def fields_of(node: Any) -> Iterator[tuple[str, str]]:
    """Names and types of a node's widgets."""
    for group in node.INPUT_TYPES().values():
        for name, (kind, *_) in group.items():
            kind = "COMBO" if isinstance(kind, list) else kind
            if kind in ODD:
                yield name, kind


@pytest.fixture(scope="module")
def given(call: Callable[..., tuple], wan: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    """What each node needs besides its widgets."""
    (take,) = call("AdaCacheSweepTake", images=video(), name="uncached", mark="uncached", handle="h")
    return {
        "AdaCachePatchModel": {"model": wan()},
        "AdaCacheCodebook": {"codebook": "my own text"},
        "AdaCacheCalibrate": {"handle": "h"},
        "AdaCacheCompare": {"images": video(), "reference": 1 - video()},
        "AdaCacheSweepTake": {"images": video(), "handle": "h"},
        "AdaCacheSweepSheet": {"reference": take},
    }


@pytest.mark.parametrize(
    "name",
    [
        *("AdaCachePatchModel", "AdaCacheCodebook", "AdaCacheMoRegSettings", "AdaCacheCalibrate"),
        *("AdaCacheCalibration", "AdaCacheCompare", "AdaCacheSweepTake"),
    ],
)
def test_any_value_of_any_widget(
    name: str, pack: dict[str, type], call: Callable[..., tuple], given: dict[str, dict[str, Any]], tmp_path: Any
) -> None:
    """As a link gives it, which no limit of a widget holds for."""
    node: Any = pack[name]
    tried, wrong = 0, []
    for field, kind in fields_of(node):
        for value in ODD[kind]:
            tried += 1
            try:
                call(name, **{**given.get(name, {}), field: value})
            except ValueError as error:
                said = str(error)
                if not said.startswith(f"{node.GET_SCHEMA().display_name}: ") or len(said) > 2000:
                    wrong.append(f"{field} = {value!r:.40}: {said:.300}")
                elif not ({field, *SAID_BY.get((name, field), ())} & set(words(said))):
                    wrong.append(f"{field} = {value!r:.40} names another field: {said:.300}")
            except Exception as error:
                wrong.append(f"{field} = {value!r:.40}: {type(error).__name__}: {error}"[:400])
    assert tried and not wrong, "\n".join(wrong)


# A name that is not saved, or a value whose meaning another widget gives, is told by that one's word.
SAID_BY = {
    ("AdaCacheCalibrate", field): ("no", "runs", "amount", "target")
    for field in ("target", "amount", "runs", "protect", "with_moreg", "save_as", "traces")
} | {("AdaCacheCalibration", "name"): ("text",), ("AdaCacheCalibration", "text"): ("text",)}


def words(text: str) -> list[str]:
    return "".join(char if char.isalnum() or char == "_" else " " for char in text).split()


@pytest.mark.parametrize(
    "value", [None, [], {}, 0, -1.5, True, "x", ["1", 0], {"a": []}, "\ud800", HUGE, math.nan], ids=repr
)
def test_any_json_before_the_run(value: Any, pack: dict[str, type]) -> None:
    """The host hands over what it has not converted yet: it is accepted for now, or refused in words. It blames every
    field that is asked for, so a node asks for one at most."""
    for node in pack.values():
        check = getattr(node, "validate_inputs", None)
        names = [] if check is None else list(check.__code__.co_varnames[1 : check.__code__.co_argcount])
        assert len(names) <= 1
        for field in names:
            said = check(**{field: value})
            assert said is True or said.startswith(node.GET_SCHEMA().display_name), (node, field)
