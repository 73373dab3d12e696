"""What a user can get wrong."""

from __future__ import annotations


def cut(text: str, most: int = 40) -> str:
    """A text for a message."""
    return text if len(text) <= most else f"{text[:most]}..."


class SettingsError(ValueError):
    """A setting that cannot work.

    Attributes:
        field: the name of the setting.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
