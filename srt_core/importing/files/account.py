"""What came of the columns of a file: what each was used as, what was kept, what was not, with counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Account:
    """Counts of records, kept up while they are read."""

    records: int = 0
    used: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Of records by part and column, such as ("input", "context")."""
    kept: Counter[str] = field(default_factory=Counter)
    """Of records by column of the curator's own."""
    dropped: Counter[str] = field(default_factory=Counter)
    """Of records by column that cannot be kept."""
    late: dict[str, int] = field(default_factory=dict)
    """Columns that are not in the first record, with the row in which they were first met."""
    notes: Counter[str] = field(default_factory=Counter)
    """Of what was done, by what it was done to."""

    def add(self, other: "Account") -> None:
        """Count another file in."""
        self.records += other.records
        for mine, theirs in ((self.kept, other.kept), (self.dropped, other.dropped), (self.notes, other.notes)):
            mine.update(theirs)
        self.used.update(other.used)
        self.late = {**other.late, **self.late}

    def as_json(self) -> dict[str, Any]:
        """Return it as the project keeps it."""
        return {
            "records": self.records,
            "used": [[part, column, count] for (part, column), count in self.used.most_common()],
            "kept": dict(self.kept.most_common()),
            "dropped": dict(self.dropped.most_common()),
            "late": self.late,
            "notes": dict(self.notes.most_common()),
        }

    @staticmethod
    def from_json(found: Mapping[str, Any]) -> "Account":
        """Return what `as_json` wrote."""
        return Account(
            found["records"],
            Counter({(part, column): count for part, column, count in found["used"]}),
            Counter(found["kept"]),
            Counter(found["dropped"]),
            dict(found["late"]),
            Counter(found["notes"]),
        )

    def lines(self) -> list[str]:
        """Say it in sentences: used as, kept, not kept, and what else was done."""
        used = [f"{part}: {self._counted(column, count)}" for (part, column), count in self._in_order()]
        lines = [f"Used as {'; '.join(used)}."] if used else []
        for word, columns in (("Kept", self.kept), ("Not kept", self.dropped)):
            if columns:
                listed = ", ".join(self._counted(column, count) for column, count in columns.most_common())
                lines.append(f"{word}: {listed}.")
        if self.late:
            met = ", ".join(f'"{column}" in row {row:,}' for column, row in self.late.items())
            lines.append(f"Columns that came later: {met}.")
        return lines + [f"{said}: {count:,}." for said, count in self.notes.most_common()]

    def _in_order(self) -> Sequence[tuple[tuple[str, str], int]]:
        return sorted(self.used.items(), key=lambda item: (PARTS_IN_ORDER.index(item[0][0]), -item[1]))

    def _counted(self, column: str, count: int) -> str:
        return f'"{column}"' if count == self.records else f'"{column}" ({count:,})'


PARTS_IN_ORDER = (
    "instruction", "input", "response", "system", "history", "turns", "text", "instances", "rewrites",
)  # fmt: skip
