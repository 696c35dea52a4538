"""Trees back into the text of a query: for people; what is read again means the same."""

from __future__ import annotations

import json

from sensor.query.ast import (
    And,
    Arithmetic,
    Call,
    Compare,
    EventQuery,
    FieldRef,
    FieldTest,
    Literal,
    Negative,
    Nested,
    Node,
    Not,
    Null,
    OneOf,
    Or,
    Range,
    Step,
    Text,
    Wildcard,
)

LIST_MAX = 8
"""Members of a list that are shown in brief texts."""
_KQL_SPECIAL = frozenset(' \t\r\n\\():<>"*{}')
_KQL_WORDS = frozenset(("and", "or", "not", "null"))


def unparse(node: Node) -> str:
    """The text of a condition, on one line."""
    match node:
        case And(items) | Or(items):
            word = " and " if isinstance(node, And) else " or "
            if name := shared_field(node):
                return f"{name}: ({word.join(_value(item) for item in items)})"
            return word.join(_enclosed(item) for item in items)
        case Not(item):
            return f"not {_enclosed(item)}"
        case FieldTest(field):
            return f"{_kql(field)}: {_value(node)}" if field is not None else _value(node)
        case Range(field, op, value):
            return f"{_kql(field)} {op} {_kql(value)}"
        case Nested(path, item):
            return f"{_kql(path)}: {{ {unparse(item)} }}"
        case EventQuery(category, condition):
            return f"{category or 'any'} where {unparse(condition)}"
    return _eql(node)


def brief(node: Node) -> str:
    """The text of a condition, with long lists shortened in the middle: not to be read again."""
    match node:
        case Not(item) if members(item):
            return f"not {brief(item)}"
        case And(items) | Or(items) if (name := shared_field(node)) and len(items) > LIST_MAX:
            word = " and " if isinstance(node, And) else " or "
            shown = [*map(_value, items[:3]), f"... {len(items)} in all ...", _value(items[-1])]
            return f"{name}: ({word.join(shown)})"
        case OneOf(kind, left, options, insensitive) if len(options) > LIST_MAX:
            return _eql(OneOf(kind, left, _middle_out(options), insensitive))
        case Call(name, args, insensitive) if len(args) > LIST_MAX:
            return _eql(Call(name, (args[0], *_middle_out(args[1:])), insensitive))
    return unparse(node)


def members(node: Node) -> list[tuple[str, Node]]:
    """The members of a list that is too long to be shown, with a test of each alone."""
    match node:
        case Or(items) if shared_field(node) and len(items) > LIST_MAX:
            return [(_value(item), item) for item in items]
        case OneOf(kind, left, options, insensitive) if len(options) > LIST_MAX:
            return [(_eql(option), OneOf(kind, left, (option,), insensitive))
                    for option in options]
        case Call(name, args, insensitive) if len(args) > LIST_MAX:
            return [(_eql(arg), Call(name, (args[0], arg), insensitive)) for arg in args[1:]]
    return []


def _middle_out(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    return (*nodes[:3], FieldRef(f"... {len(nodes)} in all ..."), nodes[-1])


def shared_field(node: Node) -> str:
    """The one field that all of a conjunction or disjunction test in KQL; empty if there is none.
    """
    if not isinstance(node, And | Or):
        return ""
    fields = {item.field if isinstance(item, FieldTest) else None for item in node.items}
    (field,) = fields if len(fields) == 1 else (None,)
    return _kql(field) if isinstance(field, Text) else ""


def step_text(step: Step) -> str:
    """The demands of a step beside its condition: its keys, how often it runs."""
    parts = []
    if step.by:
        parts.append("by " + ", ".join(_eql(key) for key in step.by))
    if step.runs > 1:
        parts.append(f"with runs={step.runs}")
    if step.missing:
        parts.append("must be missing")
    return ", ".join(parts)


def _value(node: Node) -> str:
    assert isinstance(node, FieldTest)
    return "null" if isinstance(node.value, Null) else _kql(node.value)


def _kql(value: Text | Wildcard) -> str:
    if isinstance(value, Wildcard):
        return "*".join("".join(f"\\{c}" if c in _KQL_SPECIAL else c for c in part)
                        for part in value.parts)  # fmt: skip
    text = value.text
    if text and text.lower() not in _KQL_WORDS and not _KQL_SPECIAL & set(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _enclosed(node: Node) -> str:
    text = unparse(node)
    is_open = isinstance(node, And | Or) and not shared_field(node)
    return f"({text})" if is_open else text


def _eql(node: Node) -> str:
    match node:
        case Literal(value):
            return json.dumps(value, ensure_ascii=False)
        case FieldRef(name, optional):
            return f"?{name}" if optional else name
        case Call(name, args, insensitive):
            return f"{name}{'~' if insensitive else ''}({', '.join(_eql(arg) for arg in args)})"
        case Compare(op, left, right) | Arithmetic(op, left, right):
            return f"{_operand(left)} {op} {_operand(right)}"
        case Negative(item):
            return f"-{_operand(item)}"
        case OneOf(kind, left, options, insensitive):
            word = f"{kind}{'~' if insensitive and kind != ':' else ''}"
            values = ", ".join(_eql(option) for option in options)
            return f"{_operand(left)} {word} " + (
                values if len(options) == 1 and kind != "in" else f"({values})")
    return unparse(node)


def _operand(node: Node) -> str:
    text = _eql(node)
    return text if isinstance(node, Literal | FieldRef | Call | Negative) else f"({text})"
