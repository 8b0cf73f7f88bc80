"""What teachers were found to refuse, in the project file: later runs put their requests so from the first one on."""

from collections.abc import Iterable

from srt_core.project.store import Store
from srt_core.reflect.teacher.ask import Teacher
from srt_core.reflect.teacher.settings import RESPONSE_FORMAT, Change, Remedy


def known_changes(store: Store, teacher: str) -> tuple[Change, ...]:
    """Return how requests to a teacher, by its name, are put otherwise than they were asked for."""
    rows = store.rows(
        "SELECT setting, remedy, value, detail FROM teacher_setting WHERE teacher = ? ORDER BY made_at, setting",
        [teacher],
    )
    return tuple(Change(row["setting"], Remedy(row["remedy"]), row["value"], row["detail"]) for row in rows)


def keep_changes(store: Store, teacher: str, changes: Iterable[Change]) -> None:
    """Keep them; of a setting and remedy that is known already the new value counts."""
    with store.transaction() as tx:
        for change in changes:
            tx.execute(
                """INSERT OR REPLACE INTO teacher_setting (teacher, setting, remedy, value, detail)
                   VALUES (?, ?, ?, ?, ?)""",
                [teacher, change.setting, str(change.remedy), change.value, change.detail],
            )


def use_known(store: Store, teacher: Teacher) -> None:
    """Have a teacher put its requests as the project knows; the form of reply is for FormatChoice to choose."""
    teacher.changes = tuple(each for each in known_changes(store, teacher.name) if each.setting != RESPONSE_FORMAT)


def forget_changes(store: Store, teacher: str) -> None:
    """Forget what a teacher refused, so that its settings are tried again."""
    with store.transaction() as tx:
        tx.execute("DELETE FROM teacher_setting WHERE teacher = ?", [teacher])


def describe(changes: Iterable[Change]) -> str:
    """Return in words how requests are put, such as `without temperature; max_tokens at most 1024`."""
    return "; ".join(map(str, changes))
