"""Which exported files hold a text of retracted samples, and a check that stops what would spread them further."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from srt_core.errors import ExportError
from srt_core.export.written import read_manifest
from srt_core.project.store import Store
from srt_core.records import counted
from srt_core.review.retracting import IS_RETRACTED, retracted_by

_AGAIN = "Export again: retracted samples are left out of every later export."


@dataclass(frozen=True, slots=True)
class AffectedExport:
    """An export that holds texts of retracted samples."""

    export_id: int
    made_at: datetime
    """UTC."""
    path: str
    format: str
    """Its formats, with commas between them."""
    rows: int
    """Lines of the export."""
    retracted: int
    """Lines among them that hold a retracted sample."""
    pushed: str
    """The data sets of the hub that its folder was pushed to, with commas between them; "" for none."""

    def line(self) -> str:
        """Say it in a line."""
        gone = "" if Path(self.path).exists() else ", not there any more"
        pushed = f", pushed to {self.pushed}" if self.pushed else ""
        return (
            f"Export {self.export_id} of {self.made_at:%Y-%m-%d}, {self.path} ({self.format}{gone}): "
            f"{self.retracted:,} of {counted(self.rows, 'line')}{pushed}"
        )


def affected_exports(store: Store, action_id: int | None = None) -> list[AffectedExport]:
    """List the exports that hold a text of what one action retracted, the newest first; None: of all that is retracted.

    Whether their folders were pushed is known where the push was logged in this project.
    """
    which, values = retracted_by(action_id)
    return store.read(
        AffectedExport,
        f"""WITH held AS (
                SELECT export_id, count(DISTINCT "row") AS retracted
                FROM exported SEMI JOIN ({which}) AS gone USING (sample_id) GROUP BY ALL),
            pushed AS (
                SELECT context ->> 'folder' AS folder, string_agg(DISTINCT context ->> 'repository', ', ') AS places
                FROM event WHERE kind = 'push' GROUP BY ALL)
            SELECT export_id, event.made_at, path, format, rows, retracted, coalesce(places, '') AS pushed
            FROM held JOIN export USING (export_id) JOIN event USING (event_id) LEFT JOIN pushed ON folder = path
            ORDER BY export_id DESC""",
        values,
    )


def require_none_retracted(store: Store, folder: Path) -> None:
    """ExportError where a folder that this project exported holds samples that are retracted since."""
    sha256 = read_manifest(folder).get("sha256")
    found = store.rows(
        f"""SELECT count(DISTINCT sample_id) AS samples, min(sample_id) AS one
            FROM exported JOIN export USING (export_id) WHERE sha256 = ? AND {IS_RETRACTED}""",
        [sha256],
    )[0]
    _refuse(found["samples"], found["one"], str(folder))


def check_samples(store: Store, samples: Sequence[str], place: str) -> None:
    """ExportError where any of these samples, which a place holds, is retracted."""
    found = store.rows(
        f"""SELECT count(*) AS samples, min(sample_id) AS one
            FROM (SELECT DISTINCT unnest(?::VARCHAR[]) AS sample_id) WHERE {IS_RETRACTED}""",
        [list(samples)],
    )[0]
    _refuse(found["samples"], found["one"], place)


def _refuse(samples: int, one: str, place: str) -> None:
    if samples:
        raise ExportError(f"{place} holds {counted(samples, 'sample| that is|')} retracted, such as {one}.", _AGAIN)
