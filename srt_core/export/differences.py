"""What differs between two exports, by sample: what came, what left, and whose text is another."""

import hashlib
import json
import os.path
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from srt_core.errors import ExportError
from srt_core.export.contents import Contents, chosen_samples
from srt_core.export.formats import FORMATS, Format, Source, Split
from srt_core.export.past import PastExport
from srt_core.export.written import MANIFEST, read_manifest
from srt_core.importing.files import AS_WRITTEN, Reject, read_records
from srt_core.project.store import Store

BEGINNING = 100
"""Characters of a text that are shown."""
_BEFORE = 20
"""Characters that are shown before the place where two texts part."""


@dataclass(frozen=True, slots=True)
class Change:
    """A sample that differs: its text before and after, each by its beginning, "" where it was not or is not there.

    Where both are there they begin shortly before the place where they part.
    """

    sample_id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between an earlier export and a later one. Each list may hold fewer than its count says."""

    same: int = 0
    added: int = 0
    left: int = 0
    changed: int = 0
    moved: int = 0
    """Of the same texts, those that went from training to validation or back."""
    changes: Mapping[str, list[Change]] = field(default_factory=dict)
    """By "added", "left" and "changed"."""

    def __bool__(self) -> bool:
        return bool(self.added or self.left or self.changed or self.moved)

    def described(self) -> str:
        """Say it in one sentence."""
        if not self:
            return f"No difference: the same {self.same:,} texts."
        moved = f"; {self.moved:,} went from training to validation or back" if self.moved else ""
        counts = f"{self.added:,} came, {self.left:,} left, {self.changed:,} have another text"
        return f"{counts}, {self.same:,} are the same{moved}."


def compare_written(earlier: Path, later: Path, limit: int | None = None) -> Difference:
    """Compare two folders that were exported, or their manifests, by the first format that both have.

    `limit` is how many samples of each kind are listed; None: all. ExportError where one is no export, or they have no
    format of pairs with sample ids in common.
    """
    folders = [path.parent if path.name == MANIFEST else path for path in (earlier, later)]
    format = _common(folders)
    before = {sample: (_digest(text), split) for sample, text, split in _texts(folders[0], format)}
    counts = dict.fromkeys(("same", "added", "changed", "moved"), 0)
    found: dict[str, dict[str, str]] = {"added": {}, "changed": {}, "left": {}}
    seen: set[str] = set()
    for sample, text, split in _texts(folders[1], format):
        seen.add(sample)
        held = before.get(sample)
        kind = "added" if held is None else "changed" if held[0] != _digest(text) else "same"
        counts[kind] += 1
        counts["moved"] += kind == "same" and held is not None and held[1] != split
        if kind != "same" and (limit is None or len(found[kind]) < limit):
            found[kind][sample] = text
    gone = before.keys() - seen
    old = {
        sample: text for sample, text, _ in _texts(folders[0], format) if sample in found["changed"] or sample in gone
    }
    found["left"] = {sample: "" for sample in list(old) if sample in gone}
    listed = {
        kind: [Change(sample, *_beginnings(old.get(sample, ""), text)) for sample, text in list(texts.items())[:limit]]
        for kind, texts in found.items()
    }
    return Difference(left=len(gone), changes=listed, **counts)


def compare_with_last(store: Store, past: PastExport, contents: Contents, limit: int) -> Difference:
    """Compare what an export of these contents would hold with a past one of the project, from what that remembers."""
    chosen, values = chosen_samples(store, contents.scope, contents.only)
    values = {**values, "export": past.export_id}
    with_sides = _SIDES.format(chosen=chosen)
    counted = store.rows(f"SELECT kind, count(*) AS samples FROM ({with_sides}) GROUP BY kind", values)
    counts = {row["kind"]: int(row["samples"]) for row in counted}
    changes = {}
    for kind in ("added", "left", "changed"):
        rows = store.rows(_LISTED.format(sides=with_sides), {**values, "kind": kind, "most": limit})
        changes[kind] = [Change(row["sample_id"], *_beginnings(row["before"], row["after"])) for row in rows]
    return Difference(**{kind: counts.get(kind, 0) for kind in ("same", "added", "left", "changed")}, changes=changes)


_SIDES = """
    SELECT coalesce(was.sample_id, stands.sample_id) AS sample_id, was.edit_id AS was_edit,
           was.candidate_id AS was_candidate, stands.edit_id, stands.candidate_id,
           CASE WHEN was.sample_id IS NULL THEN 'added' WHEN stands.sample_id IS NULL THEN 'left'
                WHEN was.edit_id IS DISTINCT FROM stands.edit_id THEN 'changed'
                WHEN stands.edit_id IS NULL AND was.candidate_id IS DISTINCT FROM stands.candidate_id THEN 'changed'
                ELSE 'same' END AS kind
    FROM (SELECT sample_id, candidate_id, edit_id FROM exported WHERE export_id = $export) AS was
    FULL JOIN (SELECT sample_id, verdict_id AS candidate_id, if(action = 'edit', event_id, NULL) AS edit_id
               FROM {chosen}) AS stands ON was.sample_id = stands.sample_id"""


def _text(edited: str, held: str) -> str:
    texts = [f"{each}.instruction || chr(10) || {each}.input || chr(10) || {each}.response" for each in (edited, held)]
    return f"coalesce({texts[0]}, {texts[1]}, '')"


_LISTED = f"""
    SELECT listed.sample_id, if(kind = 'added', '', {_text("was_edited", "was_held")}) AS before,
           if(kind = 'left', '', {_text("edited", "held")}) AS after
    FROM (SELECT * FROM ({{sides}}) WHERE kind = $kind ORDER BY sample_id LIMIT $most) AS listed
    LEFT JOIN edited_pair AS was_edited ON was_edited.event_id = was_edit
    LEFT JOIN pair AS was_held ON was_held.candidate_id = was_candidate
    LEFT JOIN edited_pair AS edited ON edited.event_id = listed.edit_id
    LEFT JOIN pair AS held ON held.candidate_id = listed.candidate_id
    ORDER BY listed.sample_id"""


def _common(folders: list[Path]) -> Format:
    """Return the first format of pairs that both folders hold."""
    named = [set(read_manifest(folder)["files"]) for folder in folders]
    for format in FORMATS.values():
        if format.source is Source.PAIRS and format.has_ids and all(set(format.files) & names for names in named):
            return format
    raise ExportError(
        f"{folders[0]} and {folders[1]} have no format with sample ids in common.",
        "Export both in one format, such as alpaca.",
    )


def _texts(folder: Path, format: Format) -> Iterator[tuple[str, str, Split]]:
    """Yield sample, text and part of each line of a folder in a format, without the curator's own columns."""
    listed = read_manifest(folder)["files"]
    for split in format.splits:
        path = folder / format.file_of(split)
        if path.name not in listed or not listed[path.name].get("rows"):
            continue
        for record in read_records(path, "parquet" if path.suffix == ".parquet" else "json", AS_WRITTEN):
            if isinstance(record, Reject):
                raise ExportError(f"Row {record.row} of {path} cannot be read: {record.reason}", "Export again.")
            names = record.fields.get("sample_ids") or [record.fields["sample_id"]]
            assert isinstance(names, list)
            yield " ".join(map(str, names)), text_of(record.fields), split


_TEXTS = ("prompt", "system", "history", "instruction", "input", "output", "completion", "messages", "conversations")


def text_of(fields: Mapping[str, object]) -> str:
    """Return the texts of a line one below the other; what is no text as JSON."""
    found = [fields[name] for name in _TEXTS if fields.get(name)]
    if "messages" in fields or "conversations" in fields:  # they have all there is
        turns = fields.get("messages") or fields["conversations"]
        assert isinstance(turns, list)
        found = [turn.get("content", turn.get("value")) for turn in turns]
    return "\n".join(each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in found)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _beginnings(before: str, after: str) -> tuple[str, str]:
    place = len(os.path.commonprefix([before, after])) if before and after else 0
    start = max(0, place - _BEFORE)
    if start:  # at the beginning of a word, where there is one
        start = next((at + 1 for at in range(start, place) if before[at].isspace()), start)
    return _cut(before, start), _cut(after, start)


def _cut(text: str, start: int) -> str:
    shown = " ".join(text[start : start + BEGINNING].split())
    return ("… " if start and text else "") + shown + (" …" if len(text) > start + BEGINNING else "")
