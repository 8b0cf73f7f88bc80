"""The runs of a project: what each was asked for, how far it is, and the loss of each of its steps."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from srt_core.errors import StudentError
from srt_core.project.store import Row, Store
from srt_core.train.exports import TrainingSet
from srt_core.train.folder import RunFolder
from srt_core.train.plan import Plan, Settings


class RunState(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    DONE = "done"
    PAUSED = "paused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    """Its process was killed; the same command goes on from its last checkpoint."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run. `plan`: what `Plan.summary` says, and what was measured; `source`: what the export says of itself."""

    run_id: int
    made_at: datetime
    updated_at: datetime
    key: str
    experiment_id: int | None
    arm: str
    seed: int
    export_folder: str
    export_sha256: str
    folder: RunFolder
    student: str
    fingerprint: str
    template: str
    source: Mapping[str, Any]
    settings: Mapping[str, Any]
    plan: Mapping[str, Any]
    versions: Mapping[str, Any]
    state: RunState
    steps: int
    tokens: int
    message: str

    @property
    def trained(self) -> str:
        """The folder of the trained student."""
        return str(self.folder.student)

    @property
    def can_go_on(self) -> bool:
        """Whether the same command continues it."""
        return self.state in (RunState.PAUSED, RunState.INTERRUPTED, RunState.FAILED)

    @property
    def name(self) -> str:
        """What it is called where several are listed."""
        return f"run {self.run_id} ({self.arm}, seed {self.seed})"


def runs(store: Store, *, is_live: bool = False, experiment: int | None = None) -> list[Run]:
    """List the runs, the newest first. `is_live`: whether one goes on in this process; else none does."""
    rows = store.rows(
        "SELECT * FROM run WHERE $experiment IS NULL OR experiment_id = $experiment ORDER BY run_id DESC",
        {"experiment": experiment},
    )
    return [_run(row, is_live=is_live) for row in rows]


def find_run(store: Store, run_id: int, *, is_live: bool = False) -> Run:
    """Return a run by its number; StudentError where there is none."""
    rows = store.rows("SELECT * FROM run WHERE run_id = ?", [run_id])
    if not rows:
        raise StudentError(f"There is no run {run_id}.", "Choose one that `srt runs` lists.")
    return _run(rows[0], is_live=is_live)


def _run(row: Row, *, is_live: bool) -> Run:
    found = {**row, "folder": RunFolder(Path(row["folder"]))}
    for name in ("source", "settings", "plan", "versions"):
        found[name] = json.loads(row[name])
    state = RunState(row["state"])
    found["state"] = RunState.INTERRUPTED if state is RunState.RUNNING and not is_live else state
    return Run(**found)


def losses(store: Store, run_id: int) -> list[Row]:
    """Return step, loss, learning_rate, tokens and seconds of each step of a run, in order."""
    return store.rows(
        "SELECT step, loss, learning_rate, tokens, seconds FROM run_step WHERE run_id = ? ORDER BY step", [run_id]
    )


def begin(
    store: Store, key: str, data: TrainingSet, settings: Settings, plan: Plan, folder: Path | None, arm: str,
    experiment: int | None, template: str,
) -> Run:  # fmt: skip
    """Return the run of this key, running: the one that was begun before, or a new one.

    Whatever else the project calls running was killed: one process owns the file, and trains one student at a time.
    """
    with store.transaction() as tx:
        tx.execute("UPDATE run SET state = 'interrupted' WHERE state = 'running'")
        rows = tx.execute(
            "SELECT run_id FROM run WHERE key = $key AND coalesce(folder = $folder, true) ORDER BY run_id DESC LIMIT 1",
            {"key": key, "folder": None if folder is None else str(folder)},
        )
        if rows:
            run_id = int(rows[0][0])
            tx.execute("UPDATE run SET state = 'running', message = '' WHERE run_id = ? AND state <> 'done'", [run_id])
        else:
            run_id = int(tx.execute("SELECT nextval('run_ids')")[0][0])
            place = folder or store.path.parent.resolve() / "runs" / f"{store.path.stem}-{run_id}"
            tx.execute(
                """INSERT INTO run (run_id, key, experiment_id, arm, seed, export_folder, export_sha256, folder,
                                    student, template, source, settings, plan, state)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running')""",
                [
                    run_id, key, experiment, arm, settings.seed, str(data.folder), data.sha256, str(place),
                    settings.student, template, json.dumps(data.source), json.dumps(asdict(settings)),
                    json.dumps(plan.summary()),
                ],
            )  # fmt: skip
            if not tx.execute("SELECT 1 FROM trained WHERE export_sha256 = ? LIMIT 1", [data.sha256]):
                names = dict.fromkeys(each.sample_id for each in data.pairs)
                tx.append("trained", ["export_sha256", "sample_id"], [(data.sha256, name) for name in names])
    return find_run(store, run_id, is_live=True)


def note(store: Store, run_id: int, **values: object) -> None:
    """Store what became known of a run, by column; mappings as JSON."""
    columns = ", ".join(f"{name} = ?" for name in values)
    given = [json.dumps(each) if isinstance(each, Mapping) else each for each in values.values()]
    with store.transaction() as tx:
        tx.execute(f"UPDATE run SET {columns}, updated_at = timezone('UTC', now()) WHERE run_id = ?", [*given, run_id])


def keep_step(store: Store, run_id: int, event: Mapping[str, Any]) -> None:
    """Store the loss of a step; a run that goes on from a checkpoint says some steps again."""
    values: Sequence[object] = [event[name] for name in ("step", "loss", "learning_rate", "tokens", "seconds")]
    with store.transaction() as tx:
        tx.execute("INSERT OR REPLACE INTO run_step VALUES (?, ?, ?, ?, ?, ?)", [run_id, *values])
        tx.execute(
            """UPDATE run SET steps = greatest(steps, ?), tokens = greatest(tokens, ?),
                   updated_at = timezone('UTC', now())
               WHERE run_id = ?""",
            [event["step"], event["tokens"], run_id],
        )
