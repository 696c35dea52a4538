"""Trees back into the text of a query: for people; what is read again means the same."""

from __future__ import annotations

import json

from sensor.query import ast

LIST_MAX = 8
"""Members of a list that are shown in brief texts."""
_KQL_SPECIAL = frozenset(' \t\r\n\\():<>"*{}')
_KQL_WORDS = frozenset(("and", "or", "not", "null"))


def unparse(node: ast.Node) -> str:
    """The text of a condition, on one line."""
    match node:
        case ast.And(items) | ast.Or(items):
            word = " and " if isinstance(node, ast.And) else " or "
            if name := shared_field(node):
                return f"{name}: ({word.join(_value(item) for item in items)})"
            return word.join(_enclosed(item) for item in items)
        case ast.Not(item):
            return f"not {_enclosed(item)}"
        case ast.FieldTest(field):
            return f"{_kql(field)}: {_value(node)}" if field is not None else _value(node)
        case ast.Range(field, op, value):
            return f"{_kql(field)} {op} {_kql(value)}"
        case ast.Nested(path, item):
            return f"{_kql(path)}: {{ {unparse(item)} }}"
        case ast.EventQuery(category, condition):
            return f"{category or 'any'} where {unparse(condition)}"
    return _eql(node)


def brief(node: ast.Node) -> str:
    """The text of a condition, with long lists shortened in the middle: not to be read again."""
    match node:
        case ast.Not(item) if members(item):
            return f"not {brief(item)}"
        case ast.And(items) | ast.Or(items) if (
                (name := shared_field(node)) and len(items) > LIST_MAX):
            word = " and " if isinstance(node, ast.And) else " or "
            shown = [*map(_value, items[:3]), f"... {len(items)} in all ...", _value(items[-1])]
            return f"{name}: ({word.join(shown)})"
        case ast.OneOf(kind, left, options, insensitive) if len(options) > LIST_MAX:
            return _eql(ast.OneOf(kind, left, _middle_out(options), insensitive))
        case ast.Call(name, args, insensitive) if len(args) > LIST_MAX:
            return _eql(ast.Call(name, (args[0], *_middle_out(args[1:])), insensitive))
    return unparse(node)


def members(node: ast.Node) -> list[tuple[str, ast.Node]]:
    """The members of a list that is too long to be shown, with a test of each alone."""
    match node:
        case ast.Or(items) if shared_field(node) and len(items) > LIST_MAX:
            return [(_value(item), item) for item in items]
        case ast.OneOf(kind, left, options, insensitive) if len(options) > LIST_MAX:
            return [(_eql(option), ast.OneOf(kind, left, (option,), insensitive))
                    for option in options]
        case ast.Call(name, args, insensitive) if len(args) > LIST_MAX:
            return [(_eql(arg), ast.Call(name, (args[0], arg), insensitive)) for arg in args[1:]]
    return []


def _middle_out(nodes: tuple[ast.Node, ...]) -> tuple[ast.Node, ...]:
    return (*nodes[:3], ast.FieldRef(f"... {len(nodes)} in all ..."), nodes[-1])


def shared_field(node: ast.Node) -> str:
    """The one field that all of a conjunction or disjunction test in KQL; empty if there is none.
    """
    if not isinstance(node, ast.And | ast.Or):
        return ""
    fields = {item.field if isinstance(item, ast.FieldTest) else None for item in node.items}
    (field,) = fields if len(fields) == 1 else (None,)
    return _kql(field) if isinstance(field, ast.Text) else ""


def step_text(step: ast.Step) -> str:
    """The demands of a step beside its condition: its keys, how often it runs."""
    parts = []
    if step.by:
        parts.append("by " + ", ".join(_eql(key) for key in step.by))
    if step.runs > 1:
        parts.append(f"with runs={step.runs}")
    if step.missing:
        parts.append("must be missing")
    return ", ".join(parts)


def _value(node: ast.Node) -> str:
    assert isinstance(node, ast.FieldTest)
    return "null" if isinstance(node.value, ast.Null) else _kql(node.value)


def _kql(value: ast.Text | ast.Wildcard) -> str:
    if isinstance(value, ast.Wildcard):
        return "*".join("".join(f"\\{c}" if c in _KQL_SPECIAL else c for c in part)
                        for part in value.parts)  # fmt: skip
    text = value.text
    if text and text.lower() not in _KQL_WORDS and not _KQL_SPECIAL & set(text):
        return text
    return json.dumps(text, ensure_ascii=False)


def _enclosed(node: ast.Node) -> str:
    text = unparse(node)
    is_open = isinstance(node, ast.And | ast.Or) and not shared_field(node)
    return f"({text})" if is_open else text


def _eql(node: ast.Node) -> str:
    match node:
        case ast.Literal(value):
            return json.dumps(value, ensure_ascii=False)
        case ast.FieldRef(name, optional):
            return f"?{name}" if optional else name
        case ast.Call(name, args, insensitive):
            return f"{name}{'~' if insensitive else ''}({', '.join(_eql(arg) for arg in args)})"
        case ast.Compare(op, left, right) | ast.Arithmetic(op, left, right):
            return f"{_operand(left)} {op} {_operand(right)}"
        case ast.Negative(item):
            return f"-{_operand(item)}"
        case ast.OneOf(kind, left, options, insensitive):
            word = f"{kind}{'~' if insensitive and kind != ':' else ''}"
            values = ", ".join(_eql(option) for option in options)
            return f"{_operand(left)} {word} " + (
                values if len(options) == 1 and kind != "in" else f"({values})")
    return unparse(node)


def _operand(node: ast.Node) -> str:
    is_one = isinstance(node, ast.Literal | ast.FieldRef | ast.Call | ast.Negative)
    return _eql(node) if is_one else f"({_eql(node)})"
