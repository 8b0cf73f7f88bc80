"""Which column of a file is which part of which pair."""

from collections.abc import Iterable, Sequence

from srt_core.errors import DatasetError

ColumnMap = dict[str, str]
"""From a target, such as "original.instruction" or "reflected.response", to the name of a column."""

GROUPS = ("original", "reflected", "instruction", "response", "both")
PARTS = ("instruction", "input", "response")
TARGETS: tuple[str, ...] = tuple(f"{group}.{part}" for group in GROUPS for part in PARTS)


def parse_map(assignments: Iterable[str]) -> ColumnMap:
    """Return the map of assignments such as 'original.instruction=Raw Instruction'; without a group, the original's.

    Raises:
        DatasetError: an assignment has no "=", an unknown target, or a target that was given before.
    """
    column_map: ColumnMap = {}
    for assignment in assignments:
        target, equals, column = assignment.partition("=")
        if not equals or not column:
            raise DatasetError(f'"{assignment}" maps nothing.', 'Write TARGET=COLUMN: original.response="Answer".')
        name = _full_target(target.strip())
        if name in column_map:
            raise DatasetError(f"{name} is mapped twice.", "Map every target once.")
        column_map[name] = _unquoted(column)
    return column_map


def _unquoted(column: str) -> str:
    """Remove quotes that no shell removed, as in a list of arguments or a file of options."""
    is_quoted = len(column) > 2 and column[0] == column[-1] == '"'
    return column[1:-1] if is_quoted else column


def default_map(columns: Sequence[str]) -> ColumnMap | None:
    """Return the mapping of Alpaca's columns (instruction, input, output or response), in upper or lower case.

    None when there is no instruction, or neither output nor response.
    """
    by_name = {column.lower(): column for column in reversed(columns)}
    response = by_name.get("output", by_name.get("response"))
    if "instruction" not in by_name or response is None:
        return None
    column_map = {"original.instruction": by_name["instruction"], "original.response": response}
    if "input" in by_name:
        column_map["original.input"] = by_name["input"]
    return column_map


def complete_map(column_map: ColumnMap | None, columns: Sequence[str]) -> ColumnMap:
    """Return a mapping checked against a file: full target names, and Alpaca's columns where no original is mapped.

    A file without any column has no record to map, so its mapping is not checked.

    Raises:
        DatasetError: a column is not in the file, a pair lacks a part, or two groups would make the same candidate.
    """
    full = {_full_target(target): column for target, column in (column_map or {}).items()}
    if not columns:
        return full
    absent = [column for column in full.values() if column not in columns]
    if absent:
        raise DatasetError(f'The file has no column "{absent[0]}".', f"It has {_listed(columns)}.")
    if not any(target.startswith("original.") for target in full):
        full |= _originals(columns)
    _check_groups(full)
    return full


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


def _originals(columns: Sequence[str]) -> ColumnMap:
    found = default_map(columns)
    if found is None:
        hint = "Map them: original.instruction, original.input and original.response."
        raise DatasetError(f"The columns are not Alpaca's; found {_listed(columns)}.", hint)
    return found


def _check_groups(column_map: ColumnMap) -> None:
    groups = by_group(column_map)
    for group, parts in groups.items():
        needed = ("instruction", "response") if group in ("original", "instruction") else ("response",)
        for part in needed:
            if part not in parts:
                raise DatasetError(f"{group}.{part} is not mapped.", f"Map {group}.{part} to a column too.")
    rivals = [group for group in ("instruction", "response") if group in groups and "reflected" in groups]
    if rivals:
        message = f"reflected.* and {rivals[0]}.* would make the same candidate."
        raise DatasetError(message, f"Map either reflected.* or {rivals[0]}.*, not both.")


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
