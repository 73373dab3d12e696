"""What comes from outside, over the routes and as names of files: answered as documented, or refused; nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

often = settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
texts = st.text(max_size=80) | st.sampled_from(
    ["", "..", "%00", "a/b", "1", "64", "65", "-1", "2.5", "1e9", "٢", "known"]
)
queries = st.dictionaries(st.sampled_from(["limit", "since", "target", "amount", "x", ""]), texts, max_size=3)


@pytest.fixture(scope="module")
def routes(pack_module: Callable[[str], ModuleType]) -> Any:
    """The routes over a store of one measured run, called "known"."""
    module, store = pack_module("nodes.server.routes"), pack_module("nodes.server.run_store")
    engine = pack_module("adacache")
    trace = engine.Trace(engine.RunInfo(run_id="known"), 12, {"mode": "measure"}, "1.00:1", end="done")
    trace.probe = "the network's answer"
    trace.records = [engine.Record(n, n, 1 - n / 20, True, engine.Reason.MEASURING, distance=0.1) for n in range(1, 13)]
    runs = store.Runs()
    runs.close(trace)
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(module, "RUNS", runs)
        yield module


@often
@given(run_id=texts, query=queries)
def test_any_request(routes: Any, run_id: str, query: dict[str, str]) -> None:
    for answer in (
        lambda: routes.list_runs(query),
        lambda: routes.one_run(run_id, query),
        lambda: routes.one_calibration(run_id, query),
    ):
        try:
            plain = json.loads(answer(), parse_constant=pytest.fail)
        except routes.Refusal as refusal:
            assert 400 <= refusal.status < 500 and str(refusal)
        else:
            assert plain["version"] == 1


@often
@given(name=texts | st.from_regex(r"[\w ./\\:-]{1,70}", fullmatch=True))
def test_any_name_of_a_file(
    name: str, pack_module: Callable[[str], ModuleType], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is refused, or lies in the folder of calibrations, with the very name and no other."""
    files = pack_module("nodes.server.calibration_files")
    calibration = pack_module("adacache").Calibration("1.00:1", 12)
    home: Path = tmp_path_factory.getbasetemp() / "any-name"
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(files.comfy_server, "user_folder", lambda: str(home / "user"))
        try:
            files.save(name, calibration)
        except ValueError as error:
            assert str(error).startswith("save_as: ")
        else:
            assert name.strip() in files.names() and files.load(name).steps == 12
    written = [path for path in home.rglob("*") if path.is_file()]
    assert all(path.parent == home / "user" / "adacache" / "calibrations" for path in written)
    assert not [path for path in written if path.suffix != ".json"]
    for path in written:
        path.unlink()
