"""Which trained students have read retracted samples, and what they read: what to keep, and what to forget."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from srt_core.errors import ChatRefusedError, ExportError
from srt_core.export.affected import AffectedExport, affected_exports
from srt_core.export.formats.writing import replacing
from srt_core.project.candidates import pair_of
from srt_core.project.store import Row, Store
from srt_core.review.retracting import IS_RETRACTED, retracted_by
from srt_core.score.prompts import NotCarriedError, prompts_of
from srt_core.score.student import load_chat_template
from srt_core.train.evaluating import template_of
from srt_core.train.exports import TextPair, read_export, read_pairs
from srt_core.train.runs import Run

KEEP, FORGET = "keep.jsonl", "forget.jsonl"


@dataclass(frozen=True, slots=True)
class AffectedRun:
    """A run that was trained on retracted samples."""

    run_id: int
    name: str
    folder: str
    retracted: int
    """Of the samples that it was trained on."""
    samples: int

    def line(self) -> str:
        """Say it in a line."""
        return (
            f"Run {self.run_id} ({self.name}), {self.folder}: trained on {self.retracted:,} of them, of "
            f"{self.samples:,} samples"
        )


def affected_runs(store: Store, action_id: int | None = None) -> list[AffectedRun]:
    """List the runs that were trained on what one action retracted (None: on any that is), the newest first."""
    which, values = retracted_by(action_id)
    return store.read(
        AffectedRun,
        f"""SELECT run_id, arm || ', seed ' || seed AS name, folder, retracted, samples
            FROM run
                JOIN (SELECT export_sha256, count(*) AS retracted
                      FROM trained SEMI JOIN ({which}) AS gone USING (sample_id) GROUP BY ALL) AS read
                    USING (export_sha256)
                JOIN (SELECT export_sha256, count(*) AS samples FROM trained GROUP BY ALL) AS held USING (export_sha256)
            ORDER BY run_id DESC""",
        values,
    )


@dataclass(frozen=True, slots=True)
class Affected:
    """What holds a text of retracted samples, or has read one."""

    exports: Sequence[AffectedExport]
    runs: Sequence[AffectedRun]

    def lines(self) -> list[str]:
        """Say it, a line each; nothing of it is changed."""
        if not self.exports and not self.runs:
            return ["No export holds a text of them, and no run of this project was trained on one."]
        return [*(each.line() for each in self.exports), *(each.line() for each in self.runs)]


def affected(store: Store, action_id: int | None = None) -> Affected:
    """Return what holds or has read what one action retracted; None: all that is retracted."""
    return Affected(affected_exports(store, action_id), affected_runs(store, action_id))


@dataclass(frozen=True, slots=True)
class Parts:
    """The pairs that a student was trained on: those that stay, and those that are withdrawn."""

    keep: tuple[TextPair, ...]
    forget: tuple[TextPair, ...]
    without: tuple[str, ...] = ()
    """Samples whose context the template cannot carry: they are in neither."""

    def write(self, folder: Path) -> None:
        """Write both files. Other files of the folder stay."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, pairs in ((KEEP, self.keep), (FORGET, self.forget)):
            with replacing(folder / name) as file:
                for each in pairs:
                    row = {"prompt": each.prompt, "completion": each.completion, "sample_id": each.sample_id}
                    file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def parts_of_folder(folder: Path) -> Parts:
    """Read the two files again; ExportError where one is missing or a line is no pair."""
    for name in (KEEP, FORGET):
        if not (folder / name).is_file():
            raise ExportError(f"{folder} has no file {name}.", "Write both with: srt retract PROJECT --files DIR.")
    return Parts(read_pairs(folder / KEEP), read_pairs(folder / FORGET))


def parts_of_run(store: Store, run: Run) -> Parts:
    """Return what a run was trained on, in two parts, by the folder that it was trained on.

    ExportError where that folder is gone or was changed.
    """
    data = read_export(Path(run.export_folder))
    if data.sha256 != run.export_sha256:
        raise ExportError(f"{data.folder} is another export than the run had.", "Put its files back.")
    names = [each.sample_id for each in data.pairs]
    found = store.rows(
        f"SELECT sample_id FROM (SELECT DISTINCT unnest(?::VARCHAR[]) AS sample_id) WHERE {IS_RETRACTED}", [names]
    )
    gone = {row["sample_id"] for row in found}
    forget = tuple(each for each in data.pairs if each.sample_id in gone)
    return Parts(tuple(each for each in data.pairs if each.sample_id not in gone), forget)


def parts_of_export(store: Store, export_id: int, template: str = "") -> Parts:
    """Return what an export held, in two parts, with the texts that it had, filled into a template.

    `template`: by name; "": that of the scoring that the export was made under, else alpaca.
    """
    scored = store.rows(
        "SELECT template, student FROM export JOIN scoring USING (scoring_id) WHERE export_id = ?", [export_id]
    )
    filled = template_of(store, template or (scored[0]["template"] if scored else ""))
    prompts = prompts_of(filled, load_chat_template(scored[0]["student"]) if filled.is_chat and scored else None)
    keep: list[TextPair] = []
    forget: list[TextPair] = []
    without: list[str] = []
    for row in _exported(store, export_id):
        pair = pair_of(row)
        try:
            text = TextPair(row["sample_id"], prompts.prompt(pair), pair.response)
        except (NotCarriedError, ChatRefusedError):
            without.append(row["sample_id"])
            continue
        (forget if row["retracted"] else keep).append(text)
    return Parts(tuple(keep), tuple(forget), tuple(without))


def _exported(store: Store, export_id: int) -> Iterator[Row]:
    found = store.stream(
        f"""SELECT exported.sample_id, coalesce(edit.instruction, candidate.instruction) AS instruction,
                  coalesce(edit.input, candidate.input) AS input,
                  coalesce(edit.response, candidate.response) AS response,
                  coalesce(edit.context, candidate.context) AS context,
                  exported.{IS_RETRACTED} AS retracted
           FROM exported LEFT JOIN pair AS candidate USING (candidate_id)
               LEFT JOIN edited_pair AS edit ON edit.event_id = edit_id
           WHERE export_id = ? ORDER BY exported."row", exported.sample_id""",
        [export_id],
    )
    yield from (row for chunk in found for row in chunk)
