"""frozen: dataclasses whose objects never change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(kind: type[T]) -> type[T]:
    """Make a dataclass with slots whose objects are equal, and have one hash, if their members do.

    That nothing is assigned to them is what the type checker enforces. Python would write four more
    methods for each class, and compile them: a tenth of every start. Here only `__init__` is.
    """
    made = dataclass(slots=True, eq=False, repr=False)(kind)
    _add_methods(made)
    return made


def _add_methods(made: type[object]) -> None:
    """Give a dataclass `__eq__`, `__hash__` and `__repr__`."""
    members = fields(made)  # type: ignore[arg-type]
    compared = _getter([member.name for member in members if member.compare])
    names = [member.name for member in members if member.repr]

    def same(self: object, other: object) -> bool:
        return compared(self) == compared(other) if other.__class__ is made else NotImplemented

    def text(self: object) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{made.__qualname__}({shown})"

    methods = {"__eq__": same, "__hash__": lambda self: hash(compared(self)), "__repr__": text}
    for name, method in methods.items():
        setattr(made, name, method)


def _getter(names: list[str]) -> Callable[[object], object]:
    """A function that gives these members of an object."""
    return attrgetter(*names) if names else lambda _: ()
