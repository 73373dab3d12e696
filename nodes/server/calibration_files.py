"""Calibrations that a user saved by name: small files in the host's user folder, and nowhere else."""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from ...adacache import Calibration
from ...adacache.calibration.result import LONGEST_TEXT
from ...adacache.errors import cut
from . import comfy_server

MOST_LISTED = 500
ALLOWED = "1 to 60 letters, digits, spaces, - and _, beginning with a letter or digit"
# Windows takes these for devices, whatever their ending.
_DEVICES = re.compile("(con|prn|aux|nul|(com|lpt)[0-9\u00b9\u00b2\u00b3])", re.IGNORECASE)


def check_name(name: str, field: str) -> str:
    """The name without spaces around it. Raises: ValueError, naming the field and what is allowed."""
    name = name.strip()
    if not re.fullmatch(r"[^\W_][\w -]{0,59}", name) or _DEVICES.fullmatch(name):
        raise ValueError(f"{field}: {cut(name, 60)!r} cannot be a file's name; allowed: {ALLOWED}")
    return name


def names() -> list[str]:
    """The saved names, in order of the alphabet."""
    with suppress(OSError):
        found = sorted(path.stem for path in _folder().glob("*.json") if path.is_file())
        return [name for name in found if _can_be_loaded(name)][:MOST_LISTED]
    return []


def load(name: str, field: str = "name") -> Calibration:
    """Raises: ValueError, naming the field, what was wrong and what is allowed."""
    name = check_name(name, field)
    path = _file(name)
    if not path.is_file():
        there = ", ".join(names()[:20]) or "none yet"
        raise ValueError(f"{field}: no calibration is saved as {name!r}; saved: {there}")
    try:
        with path.open("rb") as file:
            return Calibration.from_text(file.read(LONGEST_TEXT + 1).decode())
    except (OSError, ValueError) as error:
        raise ValueError(f"{field}: {name!r} cannot be read: {error}") from error


def save(name: str, calibration: Calibration, field: str = "save_as") -> bool:
    """Write a calibration, whole or not at all; True where it replaced one. Raises: ValueError."""
    name = check_name(name, field)
    path = _file(name)
    replaces = path.exists()
    if replaces:
        try:
            load(name, field)
        except ValueError as error:
            raise ValueError(f"{error}. It is not replaced; choose another name") from error
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(calibration.as_text())
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        raise ValueError(f"{field}: {name!r} cannot be written: {error.strerror or error}") from error
    return replaces


def _can_be_loaded(name: str) -> bool:
    with suppress(ValueError):
        return check_name(name, "") == name and bool(_file(name))
    return False


def _folder() -> Path:
    return Path(comfy_server.user_folder()) / "adacache" / "calibrations"


def _file(name: str) -> Path:
    """Raises: ValueError where a link leads out of the folder."""
    path = _folder() / f"{name}.json"
    if path.resolve().parent != _folder().resolve():
        raise ValueError(f"{name!r} lies outside the folder of calibrations")
    return path
