"""What a trained student learnt: the losses of versions that were put aside, by it and by its parent.

A sample that was put aside has two sides, its original response and its rewritten one: a student that was trained on
rewrites may find those easier and originals harder, so one side alone says little. Each version has its loss given its
instruction, L(y|x), and alone, L(y). Samples that were trained on can be read too, and stand apart as seen.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from threading import Event

from srt_core.errors import StudentError
from srt_core.project.candidates import pairs
from srt_core.project.progress import Progress
from srt_core.project.store import Row, Store
from srt_core.records import DERIVATIONS, REWRITTEN_ORIGINS, Loss, LossRequest, Origin, Stage
from srt_core.score.ifd import CandidatePlan, Convention, plan
from srt_core.score.losses import request_key, store_losses, stored_losses
from srt_core.score.student import load_student, load_tokens
from srt_core.score.templates import Template, load_template, stored_template
from srt_core.train.exports import read_export
from srt_core.train.runs import Run, RunState

UNIT = "losses"


class Side(StrEnum):
    """Which response of a sample is read."""

    ORIGINAL = "original"
    REWRITTEN = "rewritten"


def evaluate(
    store: Store, run: Run, *, stop: Event, also_trained: int = 0, device: str = "auto", dtype: str = "auto"
) -> Generator[Progress, None, None]:
    """Compute and keep the losses of what was put aside, by the trained student and its parent, each once.

    `also_trained`: read so many samples too that were trained on, to see what was memorised.

    Raises:
        StudentError: the run is not done, nothing was put aside, or a student cannot be loaded or run.
        ExportError: the export was changed since the run.
    """
    rows = _versions(store, run, also_trained)
    template, max_length = template_of(store, run.template), int(run.settings["max_length"])
    texts = pairs(store, [row["candidate_id"] for row in rows])
    given = [texts[row["candidate_id"]] for row in rows]
    progress = Progress(UNIT, total=4 * len(rows), message="Loading the student")
    yield progress
    found: dict[str, list[tuple[Loss, Loss]]] = {}
    for name, student in (("trained", run.trained), ("parent", run.student)):
        plans = plan(given, template, Convention.ALIGNED, load_tokens(student), max_length)
        computed = _losses(store, student, plans, max_length, stop, device, dtype, run.fingerprint, progress, name)
        found[name], progress = yield from computed
        if stop.is_set():
            return
    _keep(store, run, rows, found)


def _losses(
    store: Store, student: str, plans: Sequence[CandidatePlan], max_length: int, stop: Event, device: str, dtype: str,
    parent: str, progress: Progress, name: str,
) -> Generator[Progress, None, tuple[list[tuple[Loss, Loss]], Progress]]:  # fmt: skip
    """Return L(y) and L(y|x) of each plan; what the project has stored is not computed again."""
    slots = [slot for each in plans for slot in (each.y, each.y_given_x)]
    requests = list(dict.fromkeys(slot for slot in slots if isinstance(slot, LossRequest)))

    def key(fingerprint: str, request: LossRequest) -> str:
        return request_key(fingerprint, str(Convention.ALIGNED), max_length, request)

    known: dict[str, Loss] = {}
    fingerprint = parent if name == "parent" else ""
    if fingerprint:
        known = stored_losses(store, [key(fingerprint, each) for each in requests])
    if len(known) < len(requests):
        loaded = load_student(student, device=device, dtype=dtype)
        fingerprint = loaded.fingerprint
        known = stored_losses(store, [key(fingerprint, each) for each in requests])
        lacking = [each for each in requests if key(fingerprint, each) not in known]
        progress = progress.moved(len(requests) - len(lacking), message=f"The {name} student reads")
        with closing(loaded.run(loaded.packs(lacking))) as computed:
            for pack, losses in computed:
                new = {key(fingerprint, each): loss for each, loss in zip(pack, losses, strict=True)}
                with store.transaction() as tx:
                    store_losses(tx, new)
                known |= new
                progress = progress.moved(len(pack), message=f"The {name} student reads")
                yield progress
                if stop.is_set():
                    return [], progress
    values = [slot if isinstance(slot, Loss) else known[key(fingerprint, slot)] for slot in slots]
    return list(zip(values[::2], values[1::2], strict=True)), progress


def template_of(store: Store, name: str) -> Template:
    """Return the template of a run: as a scoring of the project stored its texts, else the one of that name."""
    rows = store.rows(
        "SELECT template, template_texts FROM scoring WHERE template = ? ORDER BY scoring_id DESC LIMIT 1", [name]
    )
    return stored_template(rows[0]["template"], rows[0]["template_texts"]) if rows else load_template(name or "alpaca")


def _versions(store: Store, run: Run, also_trained: int) -> list[Row]:
    """Return candidate_id, sample_id, side and seen of what is read: both sides of each sample that has both."""
    if run.state is not RunState.DONE:
        raise StudentError(f"The {run.name} is not done.", "Train it to its end first.")
    data = read_export(Path(run.export_folder))
    if data.sha256 != run.export_sha256:
        raise StudentError(f"The export in {data.folder} is another than the run had.", "Put the files back.")
    names = list(data.put_aside)
    trained = [row["sample_id"] for row in store.rows(
        "SELECT sample_id FROM trained WHERE export_sha256 = ? ORDER BY hash(sample_id), sample_id",
        [run.export_sha256])]  # fmt: skip
    if not names and not also_trained:
        raise StudentError(
            "The export has no part for validation, so nothing was put aside.", "Export again with a validation part."
        )
    rows = store.rows(
        f"""WITH ranked AS (
                SELECT candidate_id, sample_id, origin = '{Origin.ORIGINAL}' AS is_original,
                       row_number() OVER (PARTITION BY sample_id, is_original
                                          ORDER BY list_position($origins::VARCHAR[], origin), candidate_id) AS place
                FROM candidate WHERE sample_id IN (SELECT unnest($names::VARCHAR[])))
            SELECT candidate_id, sample_id, if(is_original, '{Side.ORIGINAL}', '{Side.REWRITTEN}') AS side,
                   list_contains($trained::VARCHAR[], sample_id) AS seen
            FROM ranked WHERE place = 1 ORDER BY candidate_id""",
        {"names": [*names, *trained[:also_trained]], "origins": REWRITES, "trained": trained},
    )
    if not rows:
        raise StudentError("No sample that was put aside is in the project.", "Open the project that it came from.")
    return rows


REWRITES = [
    "",
    *(
        str(each)
        for each in sorted(
            REWRITTEN_ORIGINS,
            key=lambda origin: (DERIVATIONS[origin].stage is not Stage.RESPONSE, DERIVATIONS[origin].parent),
        )
    ),
]
"""Which rewrite is read where a sample has several: one of the same instruction rather than of another."""


def _keep(store: Store, run: Run, rows: Sequence[Row], found: Mapping[str, Sequence[tuple[Loss, Loss]]]) -> None:
    kept = []
    for row, (alone, given), (parent_alone, parent_given) in zip(rows, found["trained"], found["parent"], strict=True):
        worst = next((each for each in (given, parent_given, alone, parent_alone) if each.mean is None), given)
        kept.append(
            (
                run.run_id, row["candidate_id"], row["sample_id"], row["side"], row["seen"], given.tokens, alone.mean,
                given.mean, parent_alone.mean, parent_given.mean, str(worst.status),
            )
        )  # fmt: skip
    columns = ["run_id", "candidate_id", "sample_id", "side", "seen", "tokens", "loss_y", "loss_y_given_x",
               "parent_loss_y", "parent_loss_y_given_x", "status"]  # fmt: skip
    with store.transaction() as tx:
        tx.execute("DELETE FROM evaluated WHERE run_id = ?", [run.run_id])
        tx.append("evaluated", columns, kept)


def summary(store: Store, run_id: int, *, by_task: bool = False) -> list[Row]:
    """Return means over the versions of a run, the original's side first: counted anew from the losses that are kept.

    A row a side and seen (and task): versions, without (how many have no number), loss, parent_loss, alone,
    parent_alone, ifd, parent_ifd.
    """
    task = "coalesce(kind.task, 'not known')" if by_task else "''"
    return store.rows(
        f"""SELECT side, seen, {task} AS task, count(*) AS versions,
                   count(*) FILTER (loss_y_given_x IS NULL OR parent_loss_y_given_x IS NULL) AS without,
                   avg(loss_y_given_x) AS loss, avg(parent_loss_y_given_x) AS parent_loss,
                   avg(loss_y) AS alone, avg(parent_loss_y) AS parent_alone,
                   avg(exp(loss_y_given_x - loss_y)) AS ifd,
                   avg(exp(parent_loss_y_given_x - parent_loss_y)) AS parent_ifd
            FROM evaluated LEFT JOIN kind USING (sample_id) WHERE run_id = ?
            GROUP BY ALL ORDER BY seen, task, side""",
        [run_id],
    )
