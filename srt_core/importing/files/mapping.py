"""Which column of a file is which part of which pair."""

from collections.abc import Iterable, Mapping, Sequence

from srt_core.errors import DatasetError
from srt_core.importing.files.shapes.plans import Shape, find_plan

ColumnMap = dict[str, str]
"""From a target, such as "original.instruction" or "reflected.response", to the name of a column; "" for none."""

GROUPS = ("original", "reflected", "instruction", "response", "both")
PARTS = ("instruction", "input", "response")
WHOLE_PARTS = ("messages", "text")
"""Parts of an original that hold instruction and response."""
ORIGINAL_PARTS = (*PARTS, "system", "history", *WHOLE_PARTS)
TARGETS: tuple[str, ...] = (
    *(f"original.{part}" for part in ORIGINAL_PARTS),
    *(f"{group}.{part}" for group in GROUPS[1:] for part in PARTS),
)


def parse_map(assignments: Iterable[str]) -> ColumnMap:
    """Return the map of assignments such as 'original.instruction=Raw Instruction'; without a group, the original's.

    Raises:
        DatasetError: an assignment has no "=", an unknown target, or a target that was given before.
    """
    column_map: ColumnMap = {}
    for assignment in assignments:
        target, equals, column = assignment.partition("=")
        if not equals:
            raise DatasetError(f'"{assignment}" maps nothing.', 'Write TARGET=COLUMN: original.response="Answer".')
        name = _full_target(target.strip())
        if name in column_map:
            raise DatasetError(f"{name} is mapped twice.", "Map every target once.")
        column_map[name] = _unquoted(column)
    return column_map


def _unquoted(column: str) -> str:
    """Remove quotes that no shell removed, as in a list of arguments or a file of options."""
    is_quoted = len(column) > 1 and column[0] == column[-1] == '"'
    return column[1:-1] if is_quoted else column


def complete_map(column_map: Mapping[str, str] | None) -> ColumnMap:
    """Return a mapping with full target names.

    Raises:
        DatasetError: a pair lacks a part, or two groups would make the same version.
    """
    full = {_full_target(target): column for target, column in (column_map or {}).items()}
    _check_groups(full)
    return full


def default_map(columns: Sequence[str]) -> ColumnMap:
    """Return what columns are by their names, as far as they hold a pair or a conversation; {} where they do not."""
    plan = find_plan(columns, columns, {})
    if plan is None:
        return {}
    parts = {
        "instruction": plan.instruction,
        "input": plan.input,
        "response": plan.response,
        "system": plan.system,
        "history": plan.history,
        "messages": plan.whole if plan.shape is Shape.MESSAGES else "",
        "text": plan.whole if plan.shape is Shape.TEXT else "",
    }
    return {f"original.{part}": column for part, column in parts.items() if column}


def knows(columns: Sequence[str]) -> bool:
    """Whether columns of these names say by themselves what they are."""
    plan = find_plan(columns, columns, {})
    return plan is not None and plan.shape is not Shape.TEXT


def by_group(column_map: ColumnMap) -> dict[str, dict[str, str]]:
    """Return the mapping as {group: {part: column}}, in the order of GROUPS, of the groups that are mapped."""
    groups: dict[str, dict[str, str]] = {}
    for target in sorted(column_map, key=TARGETS.index):
        group, part = target.split(".")
        groups.setdefault(group, {})[part] = column_map[target]
    return groups


def _full_target(target: str) -> str:
    group, dot, part = target.partition(".")
    name = f"{group}.{part}" if dot else f"original.{target}"
    if name.endswith(".output"):
        name = name.removesuffix("output") + "response"
    if name not in TARGETS:
        raise DatasetError(f'"{target}" is no target of a mapping.', f"The targets are {', '.join(TARGETS)}.")
    return name


def _check_groups(column_map: ColumnMap) -> None:
    groups = by_group(column_map)
    for group, parts in groups.items():
        if group == "original":
            named = {part for part in parts if parts[part]}
            is_pair = bool(named & {"instruction", "response"})
            needed: tuple[str, ...] = ("instruction", "response") if is_pair and not named & {*WHOLE_PARTS} else ()
        else:
            needed = ("instruction", "response") if group == "instruction" else ("response",)
        for part in needed:
            if not parts.get(part):
                raise DatasetError(f"{group}.{part} is not mapped.", f"Map {group}.{part} to a column too.")
    rivals = [group for group in ("instruction", "response") if group in groups and "reflected" in groups]
    if rivals:
        message = f"reflected.* and {rivals[0]}.* would make the same version."
        raise DatasetError(message, f"Map either reflected.* or {rivals[0]}.*, not both.")
