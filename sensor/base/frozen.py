"""frozen: dataclasses whose objects never change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(kind: type[T]) -> type[T]:
    """Make a dataclass with slots whose objects are equal, and have one hash, if their members do.

    That nothing is assigned to them is what the type checker enforces. Python would write four more
    methods for each class, and compile them: a tenth of every start. Here only `__init__` is.
    """
    made: Any = dataclass(slots=True, eq=False, repr=False)(kind)
    members = fields(made)
    compared = _getter([member.name for member in members if member.compare])
    names = [member.name for member in members if member.repr]

    def same(self: Any, other: object) -> bool:
        return compared(self) == compared(other) if other.__class__ is made else NotImplemented

    def text(self: Any) -> str:
        told = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{made.__qualname__}({told})"

    made.__eq__ = same
    made.__hash__ = lambda self: hash(compared(self))
    made.__repr__ = text
    return made  # type: ignore[no-any-return]


def _getter(names: list[str]) -> Callable[[Any], Any]:
    """What gives these members of an object."""
    return attrgetter(*names) if names else lambda _: ()
