"""Measures what fits into the time that there is, and keeps what was found on the disk as it comes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import torch

from ..hosted import Hosted
from .budget import Budget
from .networks import ORDER, SMALL, Network, NotHere, Size
from .report import about, fields_of
from .rig import Rig, Run, release
from .ways import PRESET, UNPATCHED, WAYS, Way

WARM_UP = 1  # step


class Session:
    """One run of the command.

    Args:
        minutes: for all, counted from the start of the process.
        small: whether only the command is to be checked: every network once, tiny.
        out: the JSON; written anew after each measurement.
        only: names of networks with their size, "Wan 2.1 14B 480p"; empty: all, as far as time goes.
    """

    def __init__(self, hosted: Hosted, minutes: float, small: bool, out: Path, only: Sequence[str] = ()) -> None:
        import comfy.model_management
        import comfyui_version
        from comfy.ldm.modules.attention import optimized_attention

        self.hosted, self.small, self.out, self.only = hosted, small, out, only
        self.budget = Budget(psutil.Process().create_time() + 60 * minutes)
        device = comfy.model_management.get_torch_device()
        self.found: dict[str, Any] = {
            "version": 1,
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
            "device_bytes": comfy.model_management.get_total_memory(device),
            "torch": torch.__version__,
            "host": comfyui_version.__version__,
            "attention": optimized_attention.__name__,
            "dtype": "float32" if small else "bfloat16",
            "small": small,
            "minutes": minutes,
            "cases": [],
            "left_out": [],
        }

    def run(self) -> dict[str, Any]:
        """Measure what fits; returns what the JSON holds."""
        order = [(network, SMALL) for network in dict.fromkeys(n for n, _ in ORDER)] if self.small else ORDER
        for network, size in order:
            name = f"{network.name} {size.name}"
            if self.only and name not in self.only:
                continue
            try:
                if why := self._hindrance(network, size):
                    self._leave_out(name, why)
                else:
                    print(name, flush=True)
                    self._case(network, size)
            except NotHere as error:
                self._leave_out(name, str(error))
            except torch.OutOfMemoryError:
                self._leave_out(name, "out of memory")
            release()
        return self.found

    def _hindrance(self, network: Network, size: Size) -> str:
        """Why a network is not even begun, or ""."""
        if not self.small and network.billions * 2e9 > 0.9 * self.found["device_bytes"]:
            return "its weights need more memory than the device has"
        least = WARM_UP + UNPATCHED.computes + PRESET.computes
        return self.budget.refusal(self.budget.case(network.work(size), least))

    def _case(self, network: Network, size: Size) -> None:
        rig = Rig(self.hosted, network, size, self.small)
        case = {"network": network.name, "size": size.name, **about(rig, network.tokens(size))}
        self.found["cases"].append(case)
        step = rig.run(UNPATCHED, WARM_UP).steps[0].seconds
        found: dict[Way, Run] = {}
        # Unpatched once more at the end: a device that slows down while it works tells nothing of what a way costs.
        for way in (*WAYS, UNPATCHED):
            if why := self.budget.refusal(way.computes * step):
                self._leave_out(f"{network.name} {size.name}, {way.name}", why)
                continue
            found[way] = found[way].and_again(rig.run(way)) if way in found else rig.run(way)
            plain = fields_of(UNPATCHED, found[UNPATCHED], rig.bytes, None)
            others = {w.name: fields_of(w, run, rig.bytes, plain) for w, run in found.items() if w is not UNPATCHED}
            case["runs"] = {UNPATCHED.name: plain} | others
            self._write()
            step = plain["seconds"]["computed"]
            self.budget.learn(network.work(size), step)

    def _leave_out(self, what: str, why: str) -> None:
        self.found["left_out"].append({"what": what, "why": why})
        self._write()

    def _write(self) -> None:
        """At once or not at all, so that the command may be ended at any moment."""
        self.out.parent.mkdir(parents=True, exist_ok=True)
        beside = self.out.with_suffix(".part")
        beside.write_text(json.dumps(self.found, indent=1) + "\n")
        os.replace(beside, self.out)
