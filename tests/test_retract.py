"""What is retracted is in no later export, whatever happens, and whatever holds its pair goes with it."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from srt_core.errors import DecisionError, ExportError
from srt_core.export.affected import check_samples, require_none_retracted
from srt_core.export.before import look_before
from srt_core.export.contents import Contents, Scope
from srt_core.export.export import export, rebuild
from srt_core.importing.run import import_file
from srt_core.project.checking import Fault, check
from srt_core.project.rules import project_checks
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin, Pair
from srt_core.review import decisions, history
from srt_core.review.filter.facets import count
from srt_core.review.filter.filter import Filter
from srt_core.review.retracting import Retracted, retract, retractions, take_back
from srt_core.review.status import status
from srt_core.train.withdrawn import affected, parts_of_export, parts_of_folder
from tests.command_line import DONE, called, refused
from tests.context_project import create_project, exchanges, join_conversations, keep, sample_ids
from tests.hostile_pairs import put_scoring
from tests.reflecting import walk
from tests.small_project import write_lines

PAIRS = [Pair(f"Name {place}.", f"Old {place}.") for place in range(5)]
REWRITES = {place: {Origin.RESPONSE: Pair(f"Name {place}.", f"New {place}.")} for place in range(5)}


def kept_project(path: Path) -> Store:
    """Five samples with two responses each, all kept as the new one."""
    store = create_project(path, [(pair, {}) for pair in PAIRS], REWRITES)
    put_scoring(store, "alpaca")
    for name in sample_ids(store):
        keep(store, name, Origin.RESPONSE)
    return store


def one(store: Store, name: str, reason: str = "The author asked.") -> Retracted:
    """Retract one sample."""
    return retract(store, "sample_id = $name", {"name": name}, reason, "Ann")


def held(folder: Path, file: str = "alpaca.train.json") -> list[str]:
    """The responses in an exported file."""
    return [row["output"] for row in json.loads((folder / file).read_text("utf-8"))]


def test_a_retracted_sample_is_in_no_later_export(tmp_path: Path) -> None:
    """It leaves every scope and format, the export says so, and taking it back has it exported as before."""
    with kept_project(tmp_path / "p.srt") as store:
        names = sample_ids(store)
        export(store, tmp_path / "before", ["alpaca"], by="Ann")
        done = one(store, names[1])
        assert (done.samples, done.before, done.lines()) == (1, 0, [])
        for scope in Scope:
            written = export(store, tmp_path / scope, ["alpaca", "scores"], Contents(scope), by="Ann")
            assert sorted(held(tmp_path / scope)) == ["New 0.", "New 2.", "New 3.", "New 4."]
            assert names[1] not in (tmp_path / scope / "scores.jsonl").read_text("utf-8")
            assert "1 sample is retracted, and left out." in list(written.before.described() if written.before else ())
            manifest = json.loads((tmp_path / scope / "manifest.json").read_text("utf-8"))
            assert manifest["counts"]["total"]["retracted"] == 1
        assert look_before(store, Contents(), ["alpaca"]).retracted == 1
        again = rebuild(store, 1, tmp_path / "again")
        assert again.rows == 4 and "New 1." not in held(tmp_path / "again")
        assert count(store, Filter(state=("retracted",))) == status(store)["retracted"] == 1
        assert count(store, Filter(state=("overridden",))) == 4, "the rule keeps none of the others"
        assert take_back(store, done.action_id, "Bo") == 1
        export(store, tmp_path / "back", ["alpaca"], by="Ann")
        assert sorted(held(tmp_path / "back")) == sorted(held(tmp_path / "before"))
        assert retractions(store) == []
        with pytest.raises(DecisionError):
            take_back(store, done.action_id, "Bo")


def test_nobody_decides_on_what_is_retracted(tmp_path: Path) -> None:
    """Every way to decide is refused with who retracted it and why; going back in the history leaves it so."""
    with kept_project(tmp_path / "p.srt") as store:
        name = sample_ids(store)[2]
        before = store.value("SELECT max(event_id) FROM event")
        done = one(store, name)
        stands = decisions.standing(store, name)
        assert stands is not None and stands.action is Action.RETRACT
        for action in (Action.CHOOSE, Action.REJECT, Action.PARK, Action.EDIT):
            edited = Pair("A", "B") if action is Action.EDIT else None
            origin = Origin.ORIGINAL if action in (Action.CHOOSE, Action.EDIT) else None
            for is_blind in (False, True):
                with pytest.raises(DecisionError, match="was retracted by Ann: The author asked.") as error:
                    decisions.decide(store, Decision(name, action, "Bo", origin, edited),
                                     expected_event_id=stands.event_id, is_blind=is_blind)  # fmt: skip
                assert f"--undo {done.action_id}" in error.value.hint
        everything: Mapping[str, object] = {}
        assert decisions.decide_all(store, "true", everything, Action.APPROVE, "Bo", "all") == 0
        assert history.count_differences(store, before) == 0
        assert history.go_back(store, before, "Bo") == 0
        assert history.state(store, store.value("SELECT max(event_id) FROM event")).decided == 5
        assert decisions.standing(store, name) == stands
        for wrong in ("", "  "):
            with pytest.raises(DecisionError, match="needs a reason"):
                one(store, name, wrong)
        with pytest.raises(DecisionError, match="retracted already"):
            one(store, name)
        with pytest.raises(DecisionError, match="No sample is in this choice"):
            one(store, "nobody")
        faults: list[Fault] = []
        walk(check(store, project_checks(), faults))
        assert faults == []


def test_a_file_that_brings_a_retracted_pair_again_brings_it_retracted(tmp_path: Path) -> None:
    """Its original in another row, or its exported text: retracted at once for the same reason, and that is said."""
    with kept_project(tmp_path / "p.srt") as store:
        name = sample_ids(store)[0]
        export(store, tmp_path / "out", ["alpaca"], by="Ann")
        one(store, name)
        rows = [
            {"instruction": "Name 0.", "input": "", "output": text} for text in ("Old 0.", "Old 0.", "New 0.", "Else.")
        ]
        data = write_lines(tmp_path / "again.jsonl", rows)
        last = list(import_file(store, data))[-1]
        told = next(iter(retractions(store)))
        assert (last.done, told.samples, told.reason, told.author) == (4, 2, "The author asked.", "import")
        assert status(store)["retracted"] == 3, "the same pair was known, its second row and the exported text are new"
        assert status(store)["verdicts"] == 4, "the four others that were kept: nothing new is scored"
    said = called("import", tmp_path / "p.srt", data, "--no-marks")
    assert "Retracted, 3: no export holds them." in said.stdout


def test_what_holds_the_pair_goes_with_it(tmp_path: Path) -> None:
    """Duplicates, and exchanges whose context holds it, are retracted too; samples made from it are named."""
    talk = exchanges("", "Hello?", "Hi.", "Who?", "Me.", "Why?", "So.")
    store = create_project(tmp_path / "p.srt", [(pair, {}) for pair in [*talk, PAIRS[0], PAIRS[0], PAIRS[1]]])
    with store:
        names = sample_ids(store)
        join_conversations(store, names[:3])
        done = one(store, names[1])
        assert (done.asked, done.same_pair, done.later) == (1, 0, 1)
        with store.transaction() as tx:
            tx.execute("UPDATE sample SET parent = ? WHERE sample_id = ?", [names[3], names[5]])
        done = one(store, names[4])
        assert (done.asked, done.same_pair, done.later, done.expanded) == (1, 1, 0, 1)
        gone = store.rows("SELECT sample_id FROM standing WHERE action = 'retract' ORDER BY seq")
        assert [row["sample_id"] for row in gone] == [names[1], names[2], names[3], names[4]]


def test_what_holds_it_already_is_named(tmp_path: Path) -> None:
    """Exports and their data sets are listed with how much they hold; both parts are written; pushing is refused."""
    path, files = tmp_path / "p.srt", tmp_path / "files"
    with kept_project(path) as store:
        names = sample_ids(store)
        export(store, tmp_path / "out", ["prompt_completion"], by="Ann")
        keep_out = Contents(only=Filter(text="Name 4."))
        export(store, tmp_path / "other", ["alpaca"], keep_out, by="Ann")
        with store.transaction() as tx:
            tx.execute(
                """INSERT INTO event BY NAME SELECT 1 AS action_id, 'Ann' AS author, 'push' AS kind,
                       json_object('folder', ?, 'repository', 'birds/names') AS context""",
                [str(tmp_path / "out")],
            )
        require_none_retracted(store, tmp_path / "out")
    said = called("retract", path, names[0], "2", "--reason", "They asked.", "--files", files, "--by", "Ann")
    assert said.returncode == DONE, said.stderr
    assert "2 samples retracted by Ann: They asked." in said.stdout
    assert "2 of 5 lines, pushed to birds/names" in said.stdout and str(tmp_path / "other") not in said.stdout
    parts = parts_of_folder(files / "export-1")
    assert {each.completion for each in parts.forget} == {"New 0.", "New 1."}
    assert {each.completion for each in parts.keep} == {"New 2.", "New 3.", "New 4."}
    lines = [
        json.loads(line)
        for line in (tmp_path / "out" / "prompt_completion.train.jsonl").read_text("utf-8").splitlines()
    ]
    assert {(each.prompt, each.completion) for each in (*parts.keep, *parts.forget)} == {
        (line["prompt"], line["completion"]) for line in lines
    }
    told = json.loads(called("retract", path, "--json").stdout)
    assert [(each["samples"], each["reason"]) for each in told["retractions"]] == [(2, "They asked.")]
    assert "was retracted by Ann: They asked." in refused(called("decide", path, names[0], "keep", "ORIGINAL"))
    assert "Give the one or the other" in refused(called("retract", path, "1", "--filter", "text=x", "--reason", "x"))
    assert "1 sample would be" in called("retract", path, "3", "--dry-run").stdout
    with Store.open(path) as store:
        found = affected(store)
        assert [(each.export_id, each.retracted, each.rows) for each in found.exports] == [(1, 2, 5)]
        assert parts_of_export(store, 1) == parts
        with pytest.raises(ExportError, match="2 samples that are retracted"):
            require_none_retracted(store, tmp_path / "out")
        with pytest.raises(ExportError, match=names[0]):
            check_samples(store, names[:1], "The export")
        number = retractions(store)[0].action_id
    assert "2 samples as decided before" in called("retract", path, "--undo", number).stdout
    assert "Nothing is retracted." in called("retract", path).stdout
