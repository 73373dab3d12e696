"""Plans what is measured into the time that there is, and keeps what was found on the disk as it comes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import psutil
import torch

from ..hosted import Hosted
from .networks import ORDER, SMALL, Network, NotHere, Size
from .report import about, fields_of
from .rig import Rig, release
from .ways import PRESET, UNPATCHED, WAYS

WARM_UP = 1  # step
SPARE = 5.0  # seconds for making a network and freeing it


class Session:
    """One run of the command.

    Args:
        minutes: for all, counted from the start of the process.
        small: whether only the command is to be checked: every network once, tiny.
        out: the JSON; written anew after each measurement.
    """

    def __init__(self, hosted: Hosted, minutes: float, small: bool, out: Path) -> None:
        import comfy.model_management
        import comfyui_version
        from comfy.ldm.modules.attention import optimized_attention

        self.hosted, self.small, self.out = hosted, small, out
        self.device = comfy.model_management.get_torch_device()
        self._end = psutil.Process().create_time() + 60 * minutes
        self._rate: float | None = None  # operations per second, of the last network
        cuda = self.device.type == "cuda"
        self.found: dict[str, Any] = {
            "version": 1,
            "device": torch.cuda.get_device_name(self.device) if cuda else "CPU",
            "device_bytes": comfy.model_management.get_total_memory(self.device),
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
            try:
                self._case(network, size)
            except NotHere as error:
                self._leave_out(network, size, str(error))
            except torch.OutOfMemoryError:
                self._leave_out(network, size, "out of memory")
            release()
        self._write()
        return self.found

    @property
    def left(self) -> float:
        """Seconds."""
        return self._end - time.time()

    def _case(self, network: Network, size: Size) -> None:
        work = 2 * network.work(size)  # the prompt and the empty one
        if why := self._hindrance(network, work):
            self._leave_out(network, size, why)
            return
        print(f"{network.name} {size.name}", flush=True)
        rig = Rig(self.hosted, network, size, self.small)
        case = {"network": network.name, "size": size.name, **about(rig, network.tokens(size))}
        self.found["cases"].append(case)
        self._ways(rig, case, work)

    def _hindrance(self, network: Network, work: float) -> str:
        """Why a network is not even begun, or ""."""
        if self.small:
            return ""
        if network.billions * 2e9 > 0.9 * self.found["device_bytes"]:
            return "its weights need more memory than the device has"
        least = WARM_UP + UNPATCHED.computes + PRESET.computes
        seconds = least * work / self._rate + SPARE if self._rate else SPARE
        return "" if seconds < self.left else f"it would take {seconds:.0f} s, and {max(0.0, self.left):.0f} s are left"

    def _ways(self, rig: Rig, case: dict[str, Any], work: float) -> None:
        step = rig.run(UNPATCHED, WARM_UP).steps[0].seconds
        for way in WAYS:
            seconds = way.computes * step
            if seconds > self.left:
                why = f"it would take {seconds:.0f} s, and {max(0.0, self.left):.0f} s are left"
                self.found["left_out"].append({"what": f"{case['network']} {case['size']}, {way.name}", "why": why})
                continue
            fields = fields_of(way, rig.run(way), rig.bytes, case["runs"])
            case["runs"][way.name] = fields
            self._write()
            if way is UNPATCHED:
                step = fields["seconds"]["computed"]
                self._rate = work / step
                case["operations_per_second"] = self._rate

    def _leave_out(self, network: Network, size: Size, why: str) -> None:
        self.found["left_out"].append({"what": f"{network.name} {size.name}", "why": why})
        self._write()

    def _write(self) -> None:
        """At once or not at all, so that the command may be ended at any moment."""
        self.out.parent.mkdir(parents=True, exist_ok=True)
        beside = self.out.with_suffix(".part")
        beside.write_text(json.dumps(self.found, indent=1) + "\n")
        os.replace(beside, self.out)
