"""Checked reading of plain JSON values into dataclasses: a wrong type is named, not carried on."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any

# Integers beyond this are not exact in other JSON readers, and no count of ours comes near it.
LARGEST = 2**53


class FieldError(ValueError):
    """A value that does not fit its field; says which."""


def read(cls: type, plain: Any, where: str, **readers: Callable[[Any], Any]) -> dict[str, Any]:
    """The fields of a dataclass that `plain` has, checked by their types; what else it has is ignored.

    Args:
        where: what people call this object, such as "record 3".
        readers: by field name, for fields whose type is not a plain one.

    Raises:
        FieldError: names the object, the field, what it is and what was expected; or the field that is missing.
    """
    if not isinstance(plain, dict):
        raise FieldError(f"{where} is {shown(plain)}; an object was expected")
    values = {}
    for field in fields(cls):
        if field.name in plain:
            try:
                values[field.name] = (readers.get(field.name) or _READERS[str(field.type)])(plain[field.name])
            except FieldError as error:
                raise FieldError(f"{where}, {field.name}: {error}") from error
        elif field.default is MISSING and field.default_factory is MISSING:
            raise FieldError(f"{where} has no {field.name}")
    return values


def shown(value: Any) -> str:
    """A value in a message: what kind it is, and the value itself where it is short."""
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth value", type(None): "null"}
    text = repr(value) if isinstance(value, (str, int, float)) and len(str(value)[:41]) <= 40 else ""
    return " ".join(part for part in (names.get(type(value), "a number"), text) if part)


def _integer(value: Any) -> int:
    if type(value) is not int or abs(value) > LARGEST:
        raise FieldError(f"{shown(value)}; a whole number was expected")
    return value


def _number(value: Any) -> float:
    """Null, which stands for what JSON has no number for, reads as NaN."""
    if value is None:
        return math.nan
    if type(value) not in (int, float):
        raise FieldError(f"{shown(value)}; a number was expected")
    try:
        return float(value)
    except OverflowError:
        raise FieldError("a number beyond what a float can hold") from None


def _of(kind: type, name: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if not isinstance(value, kind):
            raise FieldError(f"{shown(value)}; {name} was expected")
        return value

    return check


def _or_none(reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else reader(value)


def _integers(value: Any) -> tuple[int, ...]:
    return tuple(map(_integer, _of(list, "a list of whole numbers")(value)))


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(map(_number, _of(list, "a list of numbers")(value)))


# By the annotations of the dataclasses as written.
_READERS: dict[str, Callable[[Any], Any]] = {
    "int": _integer,
    "int | None": _or_none(_integer),
    "float": _number,
    "float | None": _or_none(_number),
    "bool": _of(bool, "true or false"),
    "str": _of(str, "text"),
    "dict[str, Any]": _of(dict, "an object"),
    "tuple[int, ...]": _integers,
    "tuple[float, ...] | None": _or_none(_numbers),
}
