"""The command line: results on stdout, progress on stderr, exit codes 0, 1 and 2."""

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from srt_core.commands.terminal import show
from srt_core.importing.files import read_rows
from srt_core.project import events
from srt_core.project.candidates import find_sample
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.score.templates import TEMPLATE_NAMES, load_template
from srt_core.select.compare.students import agreement, same_selections
from tests.command_line import (
    DONE,
    DONE_WITH_FAILURES,
    NOT_DONE,
    Command,
    refused,
    srt,
)
from tests.empty_project import place_empty
from tests.small_project import alpaca_rows, write_lines
from tests.tiny_students import byte_tokenizer, save, tiny_gpt2
from tests.walked_project import SAMPLES, Walked, status_of


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def project(walked: Walked, tmp_path: Path) -> Path:
    """A copy of the walked project."""
    return Path(shutil.copy(walked.project, tmp_path / "p.srt"))


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A project without samples."""
    return place_empty(tmp_path / "empty.srt")


def test_init_creates_a_project_once(walked: Walked, command: Command) -> None:
    """Init says what it made, and never touches a file that is there."""
    assert (walked.init.returncode, walked.init.stdout, walked.init.stderr) == (
        DONE,
        f"Created {walked.project}.\n",
        "",
    )
    assert "exists already" in refused(command("init", walked.project))


def test_import_sums_up_on_stdout_and_lists_rejects_on_stderr(walked: Walked) -> None:
    """An import with a row that cannot be read ends with 1: the row and its reason on stderr, the sum on stdout."""
    assert walked.imported.returncode == DONE_WITH_FAILURES
    assert walked.imported.stdout.startswith("20 samples added")
    said = walked.imported.stdout.splitlines()
    assert said[0].endswith("1 row rejected.")
    assert said[1] == 'Used as instruction: "instruction" (20); input: "input" (20); response: "output" (20).'
    assert 'Rejected, 1: response is missing; the columns are "instruction".' in said
    assert "row 2 (line 2): response is missing" in walked.imported.stderr


def test_reflect_lists_failed_reflections(walked: Walked) -> None:
    """A run with failed reflections ends with 1 and names sample, origin and reason of each on stderr."""
    assert walked.reflected.returncode == DONE_WITH_FAILURES
    failed = status_of(walked.project)["failed_reflections"]
    assert f"{failed} failed in this run" in walked.reflected.stdout
    lines = [line for line in walked.reflected.stderr.splitlines() if "missing_section" in line]
    assert len(lines) == failed
    assert {line.split()[1] for line in lines} <= {"INSTRUCTION:", "RESPONSE:", "BOTH:"}


def test_score_sums_up_on_stdout(walked: Walked) -> None:
    """Scoring ends with 0 when every candidate has both numbers."""
    candidates = status_of(walked.project)["candidates"]
    assert walked.scored.returncode == DONE, walked.scored.stderr
    assert walked.scored.stdout.startswith(f"{candidates} versions scored")
    assert "0 without IFD or r-IFD" in walked.scored.stdout
    assert "Loading the student" in walked.scored.stderr


def test_select_prints_what_status_counts(walked: Walked) -> None:
    """What select prints by origin and reason is what status counts afterwards."""
    assert (walked.selected.returncode, walked.selected.stderr) == (DONE, "")
    found = status_of(walked.project)
    selected = found["selected"]
    title, *lines = walked.selected.stdout.splitlines()
    assert title == f"Policy selective-paper: {selected['total']} samples kept."
    printed = [f"  origin {name}: {number}" for name, number in selected["by_origin"].items()]
    printed += [f"  reason {name}: {number}" for name, number in selected["by_reason"].items()]
    pairs = found["verdicts"]
    assert lines == [*printed, f"An export holds {pairs:,} {'pair' if pairs == 1 else 'pairs'}."]
    assert sum(selected["by_reason"].values()) == found["samples"] == SAMPLES
    assert sum(selected["by_origin"].values()) == selected["total"] > 0
    assert found["policy"] == "selective-paper"


def test_status_has_every_count(walked: Walked) -> None:
    """The JSON of status has the keys that scripts rely on, and its counts add up."""
    finished = srt("status", walked.project, "--json")
    assert (finished.returncode, finished.stderr) == (DONE, "")
    found = json.loads(finished.stdout)
    assert found == status_of(walked.project)
    wanted = "samples candidates rejected_rows scored unscored selected decided failed_reflections"
    assert set(wanted.split()) <= set(found)
    assert (found["samples"], found["rejected_rows"], found["unscored"], found["decided"]) == (SAMPLES, 1, 0, 0)
    assert found["scored"] == found["candidates"]


def test_status_as_text(walked: Walked, command: Command) -> None:
    """Without --json status is lines of name and number."""
    finished = command("status", walked.project)
    assert finished.returncode == DONE
    assert finished.stdout.splitlines()[0] == f"samples: {SAMPLES}"
    assert "  by_reason:" in finished.stdout


@pytest.mark.parametrize(
    ("setting", "policy"),
    [
        ("max_ifd=1.5", {"max_ifd": 1.5}),
        ("max_r_ifd=none", {"max_r_ifd": None}),
        ("require_response_reflection=false", {"require_response_reflection": False}),
        ("accept_instruction=always", {"accept_instruction": "always"}),
        ("top_share=50", {"top_share": 50}),
    ],
)
def test_select_sets_one_option(project: Path, setting: str, policy: dict[str, object], command: Command) -> None:
    """A setting changes one option of the preset, and the project remembers it."""
    finished = command("select", project, "--preset", "selective-code", "--set", setting)
    assert finished.returncode == DONE, finished.stderr
    assert finished.stdout.startswith("Policy selective-code (changed): ")
    with Store.open(project) as store:
        applied = json.loads(store.meta("policy") or "{}")
    assert {name: applied[name] for name in policy} == policy


def test_select_undoes_what_it_applied(project: Path, command: Command) -> None:
    """--undo puts back the policy before the last applied, says what changed, and is refused where none is left."""
    with Store.open(project) as store:
        before = store.rows("FROM selection ORDER BY seq")
    assert command("select", project, "--set", "max_ifd=0.5").returncode == DONE
    said = command("select", project, "--undo").stdout.splitlines()
    assert said[0].startswith("Undone: selective-paper (changed), which ")
    assert said[1] == "  Highest IFD: 0.5 → off"
    assert said[2].startswith("Policy selective-paper: ")
    with Store.open(project) as store:
        assert store.rows("FROM selection ORDER BY seq") == before
    assert "takes no policy" in refused(command("select", project, "--undo", "--preset", "cherry"))
    assert command("select", project, "--undo").stdout.startswith("Undone: selective-paper, which ")
    assert "No policy was applied" in refused(command("select", project, "--undo"))


def test_select_sets_several_options_upon_the_applied_policy(project: Path, command: Command) -> None:
    """Without a preset, settings change the policy that is applied; the others of its options stay."""
    command("select", project, "--set", "max_ifd=2.5", "--set", "response_margin=-0.1")
    finished = command("select", project, "--set", "top_share=30")
    assert finished.returncode == DONE, finished.stderr
    with Store.open(project) as store:
        applied = json.loads(store.meta("policy") or "{}")
    assert (applied["max_ifd"], applied["response_margin"], applied["top_share"]) == (2.5, -0.1, 30)
    assert applied["max_r_ifd"] is None, "selective-paper has no ceilings"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--preset", "best"], "There is no policy best"),
        (["--set", "max_ifd"], "sets nothing"),
        (["--set", "ceiling=1"], "sets nothing"),
        (["--set", "max_ifd=high"], "max_ifd is 'high'"),
        (["--set", "max_ifd=nan"], "max_ifd is nan"),
        (["--set", "top_share=0"], "top_share is 0"),
        (["--set", "accept_response=maybe"], "maybe"),
    ],
)
def test_select_refuses(walked: Walked, arguments: list[str], said: str, command: Command) -> None:
    """A policy, option or value that does not exist changes nothing and says what there is."""
    assert said in refused(command("select", walked.project, *arguments))


def test_decide_each_action(project: Path, command: Command) -> None:
    """Keep takes the rule's pick, or the version that is named; leave-out, park and undo do as they say, by a name."""
    with Store.open(project) as store:
        winners = {row["seq"]: row["winner"] for row in store.rows("SELECT seq, winner FROM selection")}
        name = find_sample(store, "1")
    steps = [
        (["1", "keep", "--by", "Ann"], f"{name}: keep {winners[1]} by Ann.\n"),
        ([name, "leave-out", "--by", "Bo"], f"{name}: leave out by Bo.\n"),
        (["1", "park", "--by", "Bo"], f"{name}: park by Bo.\n"),
        (["1", "keep", "original", "--by", "Ann"], f"{name}: keep ORIGINAL by Ann.\n"),
        (["1", "undo", "--by", "Ann"], f"{name}: park  by Ann.\n".replace("  ", " ")),
    ]
    for arguments, said in steps:
        finished = command("decide", project, *arguments)
        assert (finished.returncode, finished.stdout, finished.stderr) == (DONE, said, "")
    with Store.open(project) as store:
        log = events.events(store, events.EventFilter(sample_id=name), 100)
    done = [(event.kind, event.author) for event in reversed(log)]
    assert done == [("approve", "Ann"), ("reject", "Bo"), ("park", "Bo"), ("choose", "Ann"), ("undo", "Ann")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody", "keep"], "There is no sample nobody"),
        (["9999", "keep"], "There is no sample 9999"),
        (["1", "bless"], "There is no action bless"),
        (["1", "keep", "BEST"], "Keep which version?"),
        (["1", "park", "ORIGINAL"], "keep ORIGINAL"),
        (["1", "undo"], "no decision to undo"),
    ],
)
def test_decide_refuses(walked: Walked, arguments: list[str], said: str, command: Command) -> None:
    """A decision that cannot be taken as written is not taken at all."""
    assert said in refused(command("decide", walked.project, *arguments, "--by", "Ann"))


def test_a_candidate_that_is_not_there_cannot_be_chosen(empty: Path, command: Command) -> None:
    """Choosing a candidate that was never made says which there are."""
    data = write_lines(empty.parent / "one.jsonl", alpaca_rows(1))
    command("import", empty, data)
    assert "It has: ORIGINAL" in refused(command("decide", empty, "1", "keep", "BOTH", "--by", "Ann"))


def test_export_writes_every_format(project: Path, tmp_path: Path, command: Command) -> None:
    """One command writes several formats, each with its pairs, and says rows and hash of each on stdout."""
    out = tmp_path / "out"
    formats = [option for name in ("alpaca", "messages", "parquet", "scores") for option in ("--format", name)]
    finished = command("export", project, out, *formats, "--validation", "0")
    assert (finished.returncode, finished.stderr) == (DONE, "")
    found = status_of(project)
    selected = found["selected"]
    first, *lines, last = finished.stdout.splitlines()
    assert first == f"{selected['total']:,} lines: {selected['total']:,} for training, 0 put aside for validation."
    assert last.startswith("Export 1, sha256 of its data ")
    said = [line for line in lines if not line.startswith("  ")]
    notes = [line for line in lines if "Scored with alpaca" in line]
    assert len(notes) == len(formats) / 2 - 1
    assert [line.partition(" rows")[0] for line in said] == [
        f"{out / 'alpaca.train.json'}: {selected['total']}",
        f"{out / 'messages.train.jsonl'}: {selected['total']}",
        f"{out / 'pairs.train.parquet'}: {selected['total']}",
        f"{out / 'scores.jsonl'}: {found['candidates']}",
    ]
    originals = [[getattr(row, "original", row) for row in read_rows(out / name)]
                 for name in ("alpaca.train.json", "messages.train.jsonl", "pairs.train.parquet")]  # fmt: skip
    assert originals[0] == originals[1] == originals[2]
    assert len(originals[0]) == selected["total"] == found["verdicts"]


def test_export_of_what_was_approved(project: Path, tmp_path: Path, command: Command) -> None:
    """The scope `approved` holds what a person approved or chose and nothing else."""
    command("decide", project, "3", "keep", "ORIGINAL", "--by", "Ann")
    finished = command("export", project, tmp_path / "out", "--format", "alpaca", "--scope", "approved",
                       "--validation", "0")  # fmt: skip
    assert finished.returncode == DONE
    row = alpaca_rows(3)[2]
    (found,) = json.loads((tmp_path / "out" / "alpaca.train.json").read_text("utf-8"))
    assert found.pop("sample_id")
    assert found == row


SCORE_FIELDS = {
    "sample_id": str, "row": int, "origin": str, "ifd": float, "r_ifd": float, "loss_y": float,
    "loss_y_given_x": float, "loss_x": float, "loss_x_given_y": float, "tokens_y": int, "tokens_x": int, "status": str,
}  # fmt: skip


def test_scores_have_their_fields(project: Path, tmp_path: Path, command: Command) -> None:
    """A line of scores.jsonl has a candidate's losses, token counts and ratios; the ratios follow from the losses."""
    command("export", project, tmp_path, "--format", "scores")
    lines = [json.loads(line) for line in (tmp_path / "scores.jsonl").read_text("utf-8").splitlines()]
    assert len(lines) == status_of(project)["candidates"]
    for line in lines:
        assert {name: type(line[name]) for name in SCORE_FIELDS} == SCORE_FIELDS
        assert line["ifd"] == pytest.approx(math.exp(line["loss_y_given_x"] - line["loss_y"]), rel=1e-9)
        assert line["r_ifd"] == pytest.approx(math.exp(line["loss_x_given_y"] - line["loss_x"]), rel=1e-9)
    # row 2 of the file is the one that cannot be read
    assert {line["row"] for line in lines} == {1, *range(3, SAMPLES + 2)}
    assert {line["origin"] for line in lines} == set(Origin)
    assert len({(line["sample_id"], line["origin"]) for line in lines}) == len(lines)


def test_scores_without_numbers_are_null(empty: Path, tmp_path: Path, command: Command) -> None:
    """Before scoring, numbers are null, token counts 0 and the status says unscored."""
    command("import", empty, write_lines(tmp_path / "one.jsonl", alpaca_rows(1)))
    command("export", empty, tmp_path, "--format", "scores")
    line = json.loads((tmp_path / "scores.jsonl").read_text("utf-8"))
    assert {line[name] for name in ("ifd", "r_ifd", "loss_y", "loss_y_given_x", "loss_x", "loss_x_given_y")} == {None}
    assert (line["tokens_y"], line["tokens_x"], line["status"]) == (0, 0, "unscored")


def test_templates_as_json(tmp_path: Path, command: Command) -> None:
    """One template is an object with its texts as they are filled in; without a name all of them are listed."""
    alpaca = json.loads(command("templates", "alpaca", "--json").stdout)
    assert {name: alpaca[name] for name in ("with_input", "no_input", "reverse_request")} == {
        "with_input": load_template("alpaca").with_input,
        "no_input": load_template("alpaca").no_input,
        "reverse_request": load_template("alpaca").reverse_request,
    }
    assert [each["name"] for each in json.loads(command("templates", "--json").stdout)] == list(TEMPLATE_NAMES)
    assert "alpaca.no_input = " in command("templates").stdout
    assert "There is no template" in refused(command("templates", tmp_path / "nothing.toml"))


def test_import_with_a_mapping(empty: Path, command: Command) -> None:
    """Columns of any name become the original pair and its rewrite: RESPONSE where only the response differs."""
    rows = [
        {"Raw Instruction": "Do it.", "Raw Response": "Done.", "Revised Instruction": new, "Revised Response": answer}
        for new, answer in [("Do it.", "Well done."), ("Do it well.", "Done well."), ("Do it.", "Done.")]
    ]
    names = {"original.instruction": "Raw Instruction", "original.response": "Raw Response",
             "reflected.instruction": "Revised Instruction", "reflected.response": "Revised Response"}  # fmt: skip
    options = [option for target, name in names.items() for option in ("--map", f"{target}={name}")]
    finished = command("import", empty, write_lines(empty.parent / "data.jsonl", rows), *options, "--no-marks")
    assert (finished.returncode, finished.stderr) == (DONE, "")
    assert finished.stdout.startswith("3 samples added, 2 rewrites")
    assert status_of(empty)["candidates_by_origin"] == {"INSTRUCTION": 1, "ORIGINAL": 3, "RESPONSE": 1}


def test_import_of_conversations(empty: Path, command: Command) -> None:
    """Of a conversation of several turns the last answer is taken, or every one, or the first."""
    turns = [{"role": role, "content": f"{role} {turn}"} for turn in (1, 2) for role in ("user", "assistant")]
    data = write_lines(empty.parent / "chats.jsonl", [{"messages": turns}])
    for turns_taken, samples in (("last", 1), ("every", 2), ("first", 2)):
        assert command("import", empty, data, "--turns", turns_taken).returncode == DONE
        assert status_of(empty)["samples"] == samples
    with Store.open(empty) as store:
        conversations = store.rows("SELECT sample_id, conversation FROM sample ORDER BY seq")
    last = conversations[0]["sample_id"]
    assert [row["conversation"] for row in conversations] == [last, last]


def test_score_another_way(project: Path, walked: Walked, tmp_path: Path, command: Command) -> None:
    """Convention, template and max length are taken as given; candidates without numbers are listed, exit code 1."""
    options = ["--convention", "reference", "--template", "vicuna", "--max-length", "70", "--device", "cpu"]
    finished = command("score", project, "--student", walked.student, *options)
    assert finished.returncode == DONE_WITH_FAILURES, finished.stderr
    found = status_of(project)
    assert f"{found['unscored']} without IFD or r-IFD" in finished.stdout
    assert "no_target" in finished.stderr
    with Store.open(project) as store:
        rows = store.rows("SELECT convention, template, max_length FROM scoring ORDER BY scoring_id")
    assert rows[-1] == {"convention": "reference", "template": "vicuna", "max_length": 70}
    assert rows[0] == {"convention": "aligned", "template": "alpaca", "max_length": 400}


@pytest.fixture
def two_students(project: Path, tmp_path: Path, command: Command) -> Path:
    """The project scored a second time, as Superfiltering asks a student but in our own convention, by another one."""
    tokenizer = byte_tokenizer(has_bos=False)
    small = save(tmp_path / "small", tiny_gpt2(len(tokenizer)), tokenizer)
    options = ("--method", "superfiltering", "--convention", "aligned", "--student", small, "--device", "cpu")
    finished = command("score", project, *options)
    assert finished.returncode in (DONE, DONE_WITH_FAILURES), finished.stderr
    return project


def test_scorings_lists_each_student(two_students: Path, walked: Walked, command: Command) -> None:
    """A line a scoring, the newest first, with the one in use marked; a method gives the template that is not named."""
    newest, first = command("scorings", two_students).stdout.splitlines()
    assert newest.startswith("2 (in use): ") and ", template plain, aligned, max length 256, " in newest
    assert first.startswith(f"1: {walked.student}, float32, template alpaca, aligned, max length 400, ")


def test_scorings_puts_one_in_use(two_students: Path, command: Command) -> None:
    """The scoring that is put in use selects at once; one that is not there is refused."""
    before = status_of(two_students)["selected"]
    finished = command("scorings", two_students, "--use", 1, "--json")
    found = {row["scoring_id"]: row for row in json.loads(finished.stdout)["scorings"]}
    assert [found[number]["in_use"] for number in (1, 2)] == [True, False]
    assert list(found[1]) == [
        "scoring_id", "in_use", "student", "dtype", "template", "convention", "max_length", "scored",
    ]  # fmt: skip
    assert status_of(two_students)["selected"] != before
    assert "There is no scoring 9" in refused(command("scorings", two_students, "--use", 9))


def test_scorings_compares_two(two_students: Path, command: Command) -> None:
    """Rho of both measures with its candidates, and the same selections, as the core counts them."""
    finished = command("scorings", two_students, "--compare", 1, 2, "--json")
    compared = json.loads(finished.stdout)["compared"]
    with Store.open(two_students) as store:
        for measure in ("ifd", "r_ifd"):
            wanted = agreement(store, 1, 2, measure)
            assert compared[measure] == {"candidates": wanted.candidates, "rho": pytest.approx(wanted.rho, abs=1e-6)}
        assert compared["selections"] == asdict(same_selections(store, 1, 2))
    said = command("scorings", two_students, "--compare", 1, 2).stdout
    assert f"ifd:\n  candidates: {compared['ifd']['candidates']}\n  rho: {compared['ifd']['rho']}\n" in said


def test_scorings_that_cannot_be_compared_change_nothing(two_students: Path, command: Command) -> None:
    """A comparison that is refused leaves the scoring in use as it was."""
    assert "There is no scoring 9" in refused(command("scorings", two_students, "--use", 1, "--compare", 1, 9))
    assert command("scorings", two_students).stdout.startswith("2 (in use)")


def test_score_needs_a_student(project: Path, command: Command) -> None:
    """Without a student, or a method that names one, there is nothing to score with; an unknown method is refused."""
    assert "No student was given" in refused(command("score", project))
    assert "No student was given" in refused(command("score", project, "--method", "cherry"))
    assert "There is no method best" in refused(command("score", project, "--method", "best"))


def test_no_command_is_no_success(command: Command) -> None:
    """An unknown command, option or value is not done: exit code 2."""
    for arguments in (["conquer"], ["status"], ["score", "p.srt", "--student", "s", "--convention", "loose"]):
        assert command(*arguments).returncode == NOT_DONE


def test_what_a_step_prints_is_no_result(capsys: pytest.CaptureFixture[str]) -> None:
    """What a library prints while a step runs goes to stderr: stdout has results only."""

    def steps() -> Iterator[Progress]:
        print("A worker died.")
        yield Progress("candidates", done=1)

    assert show(steps()).done == 1
    said = capsys.readouterr()
    assert (said.out, "A worker died." in said.err) == ("", True)
