"""What is exported is what is counted on every screen, and reads back as what was decided."""

import hashlib
import json
import math
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from srt_core.errors import ExportError
from srt_core.export.contents import Contents, Scope, counts, preview
from srt_core.export.export import export, rebuild
from srt_core.export.formats import FORMATS, Split
from srt_core.export.past import past_exports
from srt_core.export.prompts import describe_prompts
from srt_core.importing.files import AS_WRITTEN, ImportRow, Reject, read_rows
from srt_core.importing.run import import_file
from srt_core.methods import PRESETS
from srt_core.project import events
from srt_core.project.candidates import candidates, pair_of
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review import decisions
from srt_core.review.filter.filter import Filter
from srt_core.review.status import status
from srt_core.select import selection
from tests.empty_project import create_empty
from tests.exporting import export_one
from tests.small_project import create_scored_project, save_student, write_lines

PAIR_FORMATS = ("alpaca", "messages", "parquet")
EDITED = Pair("Say «hello» {input}\r\n<b>twice</b>", "  Hello,\thello.\n\n", "\u2028 \ufeff\x00 \U0001f642")


@pytest.fixture(scope="module")
def scored_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty samples with four scored candidates each, closed."""
    folder = tmp_path_factory.mktemp("scored")
    create_scored_project(folder / "p.srt", save_student(folder / "student"), 40).close()
    return folder / "p.srt"


@pytest.fixture
def store(scored_project: Path, tmp_path: Path) -> Iterator[Store]:
    """A copy of the scored project under the rule without ceilings, which keeps a good part of it."""
    with Store.open(Path(shutil.copy(scored_project, tmp_path / "p.srt"))) as store:
        selection.apply(store, PRESETS["selective-paper"], "Ann")
        yield store


def selected(store: Store) -> dict[str, Origin]:
    """What the rule keeps: origin by sample."""
    rows = store.rows("SELECT sample_id, origin FROM selection WHERE origin IS NOT NULL ORDER BY seq")
    return {row["sample_id"]: Origin(row["origin"]) for row in rows}


def decide(store: Store, sample: str, action: Action, origin: Origin | None = None, edited: Pair | None = None) -> None:
    standing = decisions.standing(store, sample)
    event_id = standing.event_id if standing else None
    decisions.decide(store, Decision(sample, action, "Ann", origin, edited), expected_event_id=event_id)


def pair(store: Store, sample: str, origin: Origin) -> Pair:
    return candidates(store, sample)[origin].pair


def decide_some(store: Store) -> dict[Scope, list[Pair]]:
    """Take a decision of every kind; returns what must be exported under each scope, in order."""
    kept = selected(store)
    order = [row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq")]
    inside, outside = list(kept), [sample for sample in order if sample not in kept]
    assert len(inside) > 6 < len(outside)
    verdicts = {sample: pair(store, sample, origin) for sample, origin in kept.items()}
    approved: dict[str, Pair] = {}

    decide(store, inside[0], Action.APPROVE, kept[inside[0]])
    approved[inside[0]] = verdicts[inside[0]]
    decide(store, inside[1], Action.REJECT)
    del verdicts[inside[1]]
    for sample in (inside[2], outside[0]):
        decide(store, sample, Action.CHOOSE, Origin.ORIGINAL)
        approved[sample] = verdicts[sample] = pair(store, sample, Origin.ORIGINAL)
    for sample in (inside[3], outside[1]):
        decide(store, sample, Action.EDIT, Origin.BOTH, EDITED)
        approved[sample] = verdicts[sample] = EDITED
    for sample in (inside[4], outside[2]):
        decide(store, sample, Action.PARK)
    parked = {inside[4]: verdicts.pop(inside[4])}
    decide(store, outside[3], Action.REJECT)
    # what was undone counts for nothing
    decisions.undo(
        store, decisions.decide(store, Decision(inside[5], Action.REJECT, "Ann"), expected_event_id=None), "Ann"
    )
    held = {Scope.VERDICTS: verdicts, Scope.WITH_PARKED: verdicts | parked, Scope.APPROVED: approved}
    return {scope: [pairs[sample] for sample in order if sample in pairs] for scope, pairs in held.items()}


def read_back(path: Path) -> list[Pair]:
    rows = list(read_rows(path, options=AS_WRITTEN))
    assert not [row for row in rows if isinstance(row, Reject)]
    return [row.original for row in rows if isinstance(row, ImportRow)]


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("format", PAIR_FORMATS)
@pytest.mark.parametrize("scope", list(Scope))
def test_the_verdicts_are_exported(store: Store, tmp_path: Path, format: str, scope: Scope) -> None:
    """A decision stands before the rule: chosen and edited pairs as they are, rejected out, parked only where asked."""
    held = decide_some(store)
    written = export_one(store, tmp_path, format, scope=scope, by="Ann")
    assert read_back(written.path) == held[scope]


@pytest.mark.parametrize("scope", list(Scope))
def test_what_is_exported_is_what_is_counted(store: Store, tmp_path: Path, scope: Scope) -> None:
    """The rows of the file, the counts before the export, the manifest's and status all agree."""
    decide_some(store)
    before = counts(store, scope)
    written = export_one(store, tmp_path, "parquet", scope=scope, by="Ann")
    rows = pyarrow.parquet.read_table(written.path).to_pylist()
    assert written.rows == len(rows) == before["total"]["pairs"]
    assert Counter(row["origin"] for row in rows) == before["by_origin"]
    reasons = {row["sample_id"]: row["reason"] for row in store.rows("SELECT sample_id, reason FROM selection")}
    assert Counter(reasons[row["sample_id"]] for row in rows) == before["by_reason"]
    said = manifest(tmp_path)
    assert (said["counts"], said["rows"], said["files"]["pairs.train.parquet"]["rows"]) == (
        before,
        len(rows),
        len(rows),
    )
    found = status(store)
    found["with_parked"] = found["verdicts"] + found["parked_kept"]
    assert found["verdicts" if scope is Scope.VERDICTS else scope.replace("-", "_")] == len(rows)
    assert before["total"]["parked"] == found["parked_kept"] == 1
    assert (found["exports"], found["exported"]) == (1, len(rows))


def test_without_decisions_the_selection_is_exported(store: Store, tmp_path: Path) -> None:
    """Without any decision the verdicts are the rule's selection, and nothing is approved."""
    found = status(store)["selected"]
    wanted = counts(store, Scope.VERDICTS)
    assert (wanted["total"]["pairs"], wanted["by_origin"]) == (found["total"], found["by_origin"])
    assert counts(store, Scope.APPROVED)["total"] == {"pairs": 0, "parked": 0, "retracted": 0}
    assert export_one(store, tmp_path, "alpaca", by="Ann").rows == found["total"] > 0


def test_decisions_outlive_a_change_of_the_policy(store: Store, tmp_path: Path) -> None:
    """What was approved is exported as it was approved, whatever the rule says afterwards."""
    approved = decide_some(store)[Scope.APPROVED]
    selection.apply(store, PRESETS["superfiltering"], "Bo")
    export_one(store, tmp_path, "alpaca", scope=Scope.APPROVED, by="Ann")
    assert read_back(tmp_path / "alpaca.train.json") == approved


@pytest.mark.parametrize("format", PAIR_FORMATS)
def test_a_re_import_gives_the_same_pairs(store: Store, tmp_path: Path, format: str) -> None:
    """An exported file, imported into a new project, makes originals of exactly the exported pairs."""
    verdicts = decide_some(store)[Scope.VERDICTS]
    written = export_one(store, tmp_path, format, by="Ann")
    with create_empty(tmp_path / "again.srt") as again:
        for _ in import_file(again, written.path):
            pass
        rows = again.rows("SELECT pair.* FROM pair JOIN sample USING (sample_id) ORDER BY seq")
        assert [pair_of(row) for row in rows] == verdicts
        assert {row["origin"] for row in rows} == {"ORIGINAL"}
        assert status(again)["rejected_rows"] == 0


ODD_PAIRS = [
    Pair("", "An answer to an input alone.", "Only an input"),
    Pair("a\n\nb", "c"),
    Pair("a", "c", "b"),
    Pair(" a ", " \u00a0c\n", "\n"),
    Pair("\x00\x1f\u2028\u2029\ufeff\U0001f642", '"\\\r\n\t', "NaN"),
    Pair("null", "[]", "{}"),
]


@pytest.mark.parametrize("format", PAIR_FORMATS)
def test_odd_texts_come_back_as_they_were(tmp_path: Path, format: str) -> None:
    """Line breaks, control characters, blanks at the ends and a missing instruction survive every format."""
    rows = [{"instruction": each.instruction, "input": each.input, "output": each.response} for each in ODD_PAIRS]
    with create_empty(tmp_path / "odd.srt") as store:
        for _ in import_file(store, write_lines(tmp_path / "odd.jsonl", rows), options=AS_WRITTEN):
            pass
        ledger_of = [row["sample_id"] for row in store.rows("SELECT sample_id FROM sample ORDER BY seq")]
        for sample in ledger_of:
            decide(store, sample, Action.APPROVE, Origin.ORIGINAL)
        written = export_one(store, tmp_path / "out", format, scope=Scope.APPROVED, by="Ann")
    assert read_back(written.path) == ODD_PAIRS


def test_scores_hold_every_candidate(store: Store, tmp_path: Path) -> None:
    """The scores are of all candidates, kept or not; those that the rule keeps are marked."""
    decide_some(store)
    written = export_one(store, tmp_path, "scores", by="Ann")
    lines = [json.loads(line) for line in written.path.read_text("utf-8").splitlines()]
    assert written.rows == len(lines) == status(store)["candidates"] == 160
    kept = {line["sample_id"]: line["origin"] for line in lines if line["selected"]}
    assert kept == selected(store)
    expected = {
        (row["sample_id"], row["origin"]): (row["ifd"], row["r_ifd"], row["tokens_y"], row["tokens_x"])
        for row in store.rows("SELECT * FROM score JOIN candidate USING (candidate_id)")
    }
    found = {(line["sample_id"], line["origin"]): (line["ifd"], line["r_ifd"], line["tokens_y"], line["tokens_x"])
             for line in lines}  # fmt: skip
    assert found == expected
    assert [line["row"] for line in lines] == [row for row in range(1, 41) for _ in range(4)]


def test_scores_do_not_count_as_exported_pairs(store: Store, tmp_path: Path) -> None:
    """The number of exported pairs is that of the latest file of pairs."""
    rows = export_one(store, tmp_path, "alpaca", by="Ann").rows
    export_one(store, tmp_path, "scores", by="Ann")
    assert status(store)["exported"] == rows


def test_the_manifest_knows_every_file_of_its_folder(store: Store, tmp_path: Path) -> None:
    """All formats in one folder: rows and SHA-256 of each file as it lies there, policy, student, teachers."""
    decide_some(store)
    with store.transaction() as tx:
        tx.execute("UPDATE scoring SET student = '/srv/models/mine'")
    folder = tmp_path / "out"
    written = export(store, folder, list(FORMATS), Contents(validation=0.3), by="Ann")
    said = manifest(folder)
    assert said["student"]["student"] == "mine"
    for name in ("manifest.json", "README.md", "axolotl.yml"):  # it may be pushed: no folder of this machine is in it
        assert "/srv/" not in (folder / name).read_text("utf-8")
    files = said["files"]
    assert {path.name for path in folder.iterdir()} == {*files, "manifest.json"}
    assert {"README.md", "dataset_info.json", "axolotl.yml", "versions.svg", "ifd.svg"} <= set(files)
    for name, entry in files.items():
        content = (folder / name).read_bytes()
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()
        assert "format" not in entry or FORMATS[entry["format"]].file_of(Split(entry["split"])) == name
    assert {entry.get("format") for entry in files.values()} == {None, *FORMATS}
    assert said["policy"]["name"] == "selective-paper"
    assert said["policy"]["max_ifd"] is None
    assert (said["student"]["template"], said["student"]["convention"]) == ("alpaca", "aligned")
    assert said["all_samples_by_reason"] == status(store)["selected"]["by_reason"]
    assert (said["project"], said["sha256"], said["export"]) == ("p.srt", written.sha256, written.export_id)
    train, aside = (json.loads((folder / f"alpaca.{split}.json").read_text("utf-8")) for split in Split)
    assert (len(train), len(aside)) == (said["before"]["trained"], said["before"]["aside"])
    assert len(train) + len(aside) == said["rows"] == said["counts"]["total"]["pairs"] and aside


def test_the_list_of_scores_tells_the_rules_pick_from_what_is_exported(store: Store, tmp_path: Path) -> None:
    """Beside what the rule selects stands whether that candidate's text is in an export, and what people said."""
    decide_some(store)
    (left_out,) = [row["sample_id"] for row in store.rows("FROM standing WHERE action = 'reject' ORDER BY seq LIMIT 1")]
    event_id = store.value("SELECT event_id FROM standing WHERE sample_id = ?", [left_out])
    with store.transaction() as tx:
        tx.execute("""UPDATE event SET context = '{"because": "Wrong"}' WHERE event_id = ?""", [event_id])
        events.append(tx, "note", "Ann", {"text": "Ask <b>Bo</b>."}, sample_id=left_out)
        for kind, tag in (("tag", "law"), ("tag", "old"), ("untag", "old"), ("tag", "a,b")):
            events.append(tx, kind, "Ann", {"tag": tag}, sample_id=left_out)
    path = export_one(store, tmp_path, "scores", by="Ann").path
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    export_one(store, tmp_path, "parquet", by="Ann")
    pairs = pyarrow.parquet.read_table(tmp_path / "pairs.train.parquet").to_pylist()
    edits = {row["sample_id"] for row in pairs if row["instruction"] == EDITED.instruction}
    exported = {(row["sample_id"], row["origin"]) for row in pairs if row["sample_id"] not in edits}
    assert {(line["sample_id"], line["origin"]) for line in lines if line["exported"]} == exported
    picked = {line["sample_id"]: Origin(line["origin"]) for line in lines if line["selected"]}
    assert picked == selected(store) and set(picked) != {sample for sample, _ in exported}
    said = {line["sample_id"]: (line["because"], line["note"], line["tags"]) for line in lines}
    assert said.pop(left_out) == ("Wrong", "Ask <b>Bo</b>.", ["a,b", "law"])
    assert set(map(str, said.values())) == {str((None, None, []))}
    decisions = {line["sample_id"]: line["decision"] for line in lines}
    assert Counter(decisions.values()) == {None: 31, "approve": 1, "choose": 2, "edit": 2, "park": 2, "reject": 2}


def test_an_export_says_where_trainers_use_another_prompt(store: Store) -> None:
    """The project was scored with alpaca: whoever trains on the file is told which prompt its trainer makes of it."""
    said = describe_prompts(store, "alpaca")
    assert "Scored with alpaca, which no trainer makes of this file" in said
    assert "Axolotl and torchtune makes alpaca-axolotl, LLaMA-Factory makes alpaca-llamafactory" in said
    assert describe_prompts(store, "scores") == ""


def test_a_filter_with_open_ends_is_exported(store: Store, tmp_path: Path) -> None:
    """Days and open ends stand in the manifest as JSON has them: no Infinity, which no other reader knows."""
    decide_some(store)
    only = Filter(decided=(date(2020, 1, 1), None), winner_ranges=(("ifd", 0.0, math.inf),))
    export_one(store, tmp_path, "alpaca", only=only, by="Ann")
    text = (tmp_path / "manifest.json").read_text("utf-8")
    assert "Infinity" not in text
    wanted = {"decided": ["2020-01-01", None], "winner_ranges": [["ifd", 0.0, None]]}
    assert manifest(tmp_path)["filter"] == wanted
    logged = store.value("SELECT filter FROM export")
    assert json.loads(logged, parse_constant=pytest.fail) == wanted


def test_a_folder_is_one_export(store: Store, tmp_path: Path) -> None:
    """What an earlier export wrote there is gone with the next one; what somebody changed since stays, unnamed."""
    export(store, tmp_path, ["alpaca", "messages", "scores"], by="Ann")
    (tmp_path / "alpaca.train.json").write_text("[]", encoding="utf-8")
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    export(store, tmp_path, ["parquet"], by="Ann")
    data = {name for name, entry in manifest(tmp_path)["files"].items() if "format" in entry}
    assert data == {"pairs.train.parquet"}
    assert {"alpaca.train.json", "mine.txt"} <= {path.name for path in tmp_path.iterdir()}
    assert not {"messages.train.jsonl", "scores.jsonl"} & {path.name for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"files": []}', '{"files": {"alpaca.train.json": {}}}', '{"files": 3}']
)
def test_a_foreign_manifest_is_replaced(store: Store, tmp_path: Path, text: str) -> None:
    """A manifest.json that was not written by an export is no reason to fail where it may be replaced."""
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    (tmp_path / "alpaca.train.json").write_text("[]", encoding="utf-8")
    export_one(store, tmp_path, "messages", by="Ann", force=True)
    assert "messages.train.jsonl" in manifest(tmp_path)["files"]
    assert "alpaca.train.json" not in manifest(tmp_path)["files"]


def test_a_second_export_replaces_the_first(store: Store, tmp_path: Path) -> None:
    """The same format to the same folder holds what stands now; without a change it is the same file."""
    first = export_one(store, tmp_path, "alpaca", by="Ann")
    assert export_one(store, tmp_path, "alpaca", by="Ann").sha256 == first.sha256
    decide(store, next(iter(selected(store))), Action.REJECT)
    second = export_one(store, tmp_path, "alpaca", by="Ann")
    assert second.rows == first.rows - 1
    assert manifest(tmp_path)["files"]["alpaca.train.json"]["rows"] == second.rows


def test_a_filter_holds_for_counts_preview_and_file(store: Store, tmp_path: Path) -> None:
    """An export of a part has the rows that were counted and shown for it, and its manifest names the filter."""
    verdicts = decide_some(store)[Scope.VERDICTS]
    only = Filter(winner=("BOTH",))
    wanted = counts(store, Scope.VERDICTS, only)
    written = export_one(store, tmp_path, "alpaca", only=only, by="Ann")
    found = read_back(written.path)
    assert 0 < len(found) == wanted["total"]["pairs"] < len(verdicts)
    assert [row.pair for row in preview(store, Scope.VERDICTS, only, 3)] == found[:3]
    assert manifest(tmp_path)["filter"] == {"winner": ["BOTH"]}


def test_an_export_is_logged(store: Store, tmp_path: Path) -> None:
    """The log says who exported what, how many rows, and the hashes of the folder and of each file."""
    written = export(store, tmp_path, ["alpaca"], by="Cy")
    (event,) = events.events(store, events.EventFilter(kind="export"), 10)
    context, (file,) = event.context, written.files
    assert (event.author, context["rows"], context["sha256"]) == ("Cy", written.rows, written.sha256)
    assert (context["file"], context["formats"]) == (str(tmp_path), ["alpaca"])
    assert context["files"] == {"alpaca.train.json": {"rows": file.rows, "sha256": file.sha256}}


def test_an_export_of_nothing_is_an_empty_file(tmp_path: Path) -> None:
    """A project in which nothing is kept exports an empty list, and counts none."""
    with create_empty(tmp_path / "p.srt") as store:
        written = export_one(store, tmp_path, "alpaca", by="Ann")
        assert (written.rows, json.loads(written.path.read_text("utf-8"))) == (0, [])
        assert counts(store, Scope.VERDICTS)["total"] == {"pairs": 0, "parked": 0, "retracted": 0}


def test_what_cannot_be_written_is_not_exported(store: Store, tmp_path: Path) -> None:
    """An unknown format, a file for a folder and a folder for a file are errors; the log has no export."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    (tmp_path / "out" / "scores.jsonl").mkdir(parents=True)
    for folder, format in ((tmp_path, "excel"), (tmp_path / "file", "alpaca"), (tmp_path / "out", "scores")):
        with pytest.raises(ExportError):
            export_one(store, folder, format, by="Ann")
    assert status(store)["exports"] == 0


def test_an_export_remembers_its_rows_and_can_be_written_again(store: Store, tmp_path: Path) -> None:
    """Whatever is decided and applied later, the same file comes again, edits too, and a sample's files are listed."""
    decide_some(store)
    written = export_one(store, tmp_path / "one", "alpaca", by="ann")
    content = written.path.read_bytes()
    samples = [row["sample_id"] for row in store.rows('FROM exported ORDER BY "row"')]
    assert len(samples) == written.rows
    export_one(store, tmp_path / "one", "scores", by="ann")
    for sample in samples:
        decide(store, sample, Action.REJECT)
    selection.apply(store, PRESETS["cherry"], "bob")
    assert [(each.format, each.rows) for each in past_exports(store)][1:] == [("alpaca", written.rows)]
    assert [each.export_id for each in past_exports(store, samples[0])] == [1]
    assert past_exports(store, "nobody") == []
    again = rebuild(store, 1, tmp_path / "again").file("alpaca")
    assert (again.rows, again.sha256, again.path.read_bytes()) == (written.rows, written.sha256, content)
    for wrong, message in ((2, "lists numbers"), (7, "There is no export 7")):
        with pytest.raises(ExportError, match=message):
            rebuild(store, wrong, tmp_path / "again")


def test_an_export_that_failed_leaves_no_rows(store: Store, tmp_path: Path) -> None:
    """Rows of a file that could not be written are gone with the next export."""
    decide_some(store)
    (tmp_path / "alpaca.train.json").mkdir()
    with pytest.raises(ExportError):
        export_one(store, tmp_path, "alpaca", by="ann")
    written = export_one(store, tmp_path, "messages", by="ann")
    assert store.value("SELECT count(*) FROM exported") == written.rows
    assert [each.format for each in past_exports(store)] == ["messages"]
