"""Training on an export: the tokens that were scored, a plan that holds, and a run that goes on where it was killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from srt_core.errors import ExportError, StudentError
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.score.run import score
from srt_core.score.student import load_student, load_tokens
from srt_core.score.templates import load_template
from srt_core.train.exports import read_export
from srt_core.train.folder import RunFolder
from srt_core.train.plan import Settings, make_plan, parse_lora, save_every
from srt_core.train.process import WORKER
from srt_core.train.runs import Run, RunState, find_run, losses, runs
from srt_core.train.tokens import make_tokens
from srt_core.train.training import prepare
from tests.command_line import DONE, NOT_DONE, called
from tests.small_project import create_scored_project, save_student
from tests.training import write_export, write_folder

ROOT = Path(__file__).parent.parent
PAIRS, ASIDE, STEPS = 13, 3, 6
HOW = ["--batch-size", "5", "--micro-batch", "5", "--epochs", "3", "--threads", "1", "--learning-rate", "0.01",
       "--save-every", "2", "--no-measure"]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scored project, its student and an export of ten pairs, three samples put aside."""
    folder = tmp_path_factory.mktemp("training")
    student = save_student(folder / "student")
    with create_scored_project(folder / "p.srt", student, PAIRS) as store:
        write_export(store, folder / "export", Origin.RESPONSE, ASIDE)
    return folder


@pytest.fixture(scope="module")
def whole(made: Path) -> Path:
    """The same, with run 1 trained without a break."""
    subprocess.run(train_command(made, "--arm", "rewrites"), check=True, cwd=ROOT, capture_output=True)
    return made


def train_command(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "srt_core", "train", str(folder / "p.srt"), str(folder / "export"), *HOW, *more]


def run_losses(folder: Path, run_id: int) -> list[float]:
    with Store.open(folder / "p.srt") as store:
        return [row["loss"] for row in losses(store, run_id)]


def test_the_token_ids_are_those_that_were_scored(made: Path) -> None:
    """Every pair's ids, but for the end token, are a request whose loss the scoring stored."""
    data = read_export(made / "export")
    with Store.open(made / "p.srt") as store:
        found = prepare(store, data, Settings(str(made / "student"), max_length=512), data.template)
    assert (found.scored, found.plan.pairs, len(data.put_aside)) == (PAIRS - ASIDE, PAIRS - ASIDE, ASIDE)
    tokenizer = AutoTokenizer.from_pretrained(made / "student")
    for text, each in zip(data.pairs, found.tokens.pairs, strict=True):
        completion = tokenizer.encode(text.completion, add_special_tokens=False)
        assert list(each.ids[each.start :]) == [*completion, tokenizer.eos_token_id]
        prompt = tokenizer.encode(text.prompt, add_special_tokens=False)
        assert list(each.ids[: each.start]) == [tokenizer.bos_token_id, *prompt]


def test_what_is_too_long_is_cut_as_in_scoring(made: Path) -> None:
    """A response that max length cuts has no end token; a pair whose prompt fills it is left out by name."""
    data, encoder = read_export(made / "export"), load_tokens(made / "student")
    lengths = [len(each.ids) for each in make_tokens(data.pairs, encoder, "alpaca", 512).pairs]
    for most in (max(lengths) - 1, max(lengths) - 2):
        cut = make_tokens(data.pairs, encoder, "alpaca", most)
        assert max(len(each.ids) for each in cut.pairs) == most
        assert {each.is_cut for each in cut.pairs if len(each.ids) < most} <= {False}
    nothing = make_tokens(data.pairs, encoder, "alpaca", 8)
    assert (nothing.pairs, nothing.without) == ((), tuple(each.sample_id for each in data.pairs))
    with pytest.raises(StudentError, match="No pair can be trained on"):
        make_plan(nothing, Settings("s"))


def test_a_plan_lays_out_all_epochs_up_to_the_caps(made: Path) -> None:
    """Each epoch reads every pair once in an order of its own; caps end it before a pair more than they allow."""
    tokens = make_tokens(read_export(made / "export").pairs, load_tokens(made / "student"), "alpaca", 512)
    whole = make_plan(tokens, Settings("s", batch_size=4, seed=5))
    epochs = [whole.order[place : place + 10] for place in (0, 10, 20)]
    assert all(sorted(each) == list(range(10)) for each in epochs) and len(set(epochs)) == 3
    assert (whole.steps, whole.tokens) == (8, 3 * sum(len(each.ids) for each in tokens.pairs))
    assert make_plan(tokens, Settings("s", batch_size=4, seed=5)) == whole
    assert make_plan(tokens, Settings("s", batch_size=4, seed=6)).order != whole.order
    assert make_plan(tokens, Settings("s", batch_size=4, seed=5, max_steps=2)).order == whole.order[:8]
    capped = make_plan(tokens, Settings("s", batch_size=4, seed=5, max_tokens=whole.tokens // 2))
    after = len(tokens.pairs[whole.order[len(capped.order)]].ids)
    assert capped.tokens <= whole.tokens // 2 < capped.tokens + after
    assert [save_every(100, seconds) for seconds in (None, 1.0, 100.0, 1000.0)] == [25, 25, 3, 1]


@pytest.mark.parametrize(("text", "found"), [("", (None, None)), ("16", (16, None)), ("r=8,alpha=32", (8, 32))])
def test_a_rank_is_read(text: str, found: tuple[int | None, int | None]) -> None:
    """A LoRA rank is written as in the papers, or as a number."""
    assert parse_lora(text) == found
    with pytest.raises(StudentError):
        parse_lora(f"{text}x")


def test_a_folder_that_is_no_export_is_refused(tmp_path: Path) -> None:
    """A missing manifest, a file that was changed since, and a line that is no pair: each is said with what to do."""
    with pytest.raises(ExportError, match=r"no manifest\.json"):
        read_export(tmp_path)
    folder = write_folder(tmp_path / "one", [{"prompt": "a", "completion": "b"}], [], {})
    with pytest.raises(ExportError, match="Line 1"):
        read_export(folder)
    with (folder / "prompt_completion.train.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(ExportError, match="was changed"):
        read_export(folder)


def killed_and_resumed(folder: Path, *more: str) -> Run:
    """Begin a run, kill its command after its third step began, and give the command again."""
    out = folder / f"killed{len(more)}"
    command = train_command(folder, *more, "--out", str(out))
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not (out / "checkpoint-2" / "whole").exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    with Store.open(folder / "p.srt") as store:
        cut_off = runs(store)[0]
    assert cut_off.state is RunState.INTERRUPTED and cut_off.can_go_on
    went_on = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
    assert "The trained student is in" in went_on.stdout
    with Store.open(folder / "p.srt") as store:
        found = find_run(store, cut_off.run_id)
        assert len(runs(store)) == cut_off.run_id
    assert not list(out.glob("checkpoint-*"))
    return found


@pytest.mark.slow
def test_a_killed_run_ends_as_one_that_was_not(whole: Path) -> None:
    """Killed by signal 9 amid its steps, the same command goes on: every loss is the same to 1e-5, and the student."""
    found = killed_and_resumed(whole)
    with Store.open(whole / "p.srt") as store:
        done = find_run(store, 1)
    assert [(each.state, each.steps) for each in (found, done)] == [(RunState.DONE, STEPS)] * 2
    assert run_losses(whole, found.run_id) == pytest.approx(run_losses(whole, 1), abs=1e-5)
    assert run_losses(whole, 1)[-1] < run_losses(whole, 1)[0]
    assert load_student(found.trained, device="cpu").fingerprint == load_student(done.trained, device="cpu").fingerprint


@pytest.mark.slow
@pytest.mark.thorough
def test_a_killed_run_of_an_adapter_goes_on_too(made: Path) -> None:
    """The same of LoRA, whose trained student is an adapter that reads its parent where it was."""
    subprocess.run(train_command(made, "--lora", "r=4"), check=True, cwd=ROOT, capture_output=True)
    with Store.open(made / "p.srt") as store:
        done = runs(store)[0]
    found = killed_and_resumed(made, "--lora", "r=4")
    assert run_losses(made, found.run_id) == pytest.approx(run_losses(made, done.run_id), abs=1e-5)
    assert (found.folder.student / "adapter_config.json").is_file()
    assert load_student(found.trained, device="cpu").fingerprint == load_student(done.trained, device="cpu").fingerprint


@pytest.mark.slow
def test_a_trained_student_is_a_student(whole: Path) -> None:
    """What a run leaves scores the project; the run remembers export, policy, template, parent, seed and versions."""
    parent = load_student(whole / "student", device="cpu").fingerprint
    path = whole / "p.srt"
    with Store.open(path) as store:
        run = find_run(store, 1)
        assert (run.arm, run.seed, run.template, run.fingerprint) == ("rewrites", 1, "alpaca", parent)
        assert run.source["policy"]["name"] == "selective-code"
        assert run.export_sha256 == read_export(whole / "export").sha256
        assert {"torch", "transformers", "trl", "peft"} <= set(run.versions)
        *_, last = score(store, load_student(run.trained, device="cpu"), load_template("alpaca"))
        assert last.failed == 0
        assert store.value("SELECT count(DISTINCT scoring_id) FROM score") == 2
        with store.transaction() as tx:
            tx.set_meta("scoring_id", "1")
    again = called("train", path, str(whole / "export"), *HOW, "--arm", "rewrites")
    assert again.returncode == DONE and "Trained before: run " in again.stdout


@pytest.mark.slow
def test_the_loss_is_of_the_responses_alone(whole: Path) -> None:
    """The first loss is the parent's mean loss over the responses and ends of the first pairs, and no prompt."""
    data = read_export(whole / "export")
    settings = Settings(str(whole / "student"), batch_size=5, max_length=512, epochs=3)
    tokens = make_tokens(data.pairs, load_tokens(whole / "student"), "alpaca", 512)
    read = [tokens.pairs[place] for place in make_plan(tokens, settings).order[:5]]
    model = AutoModelForCausalLM.from_pretrained(whole / "student")
    total, count = 0.0, 0
    for each in read:
        ids = torch.tensor([each.ids])
        with torch.no_grad():
            logits = model(ids).logits[0].log_softmax(-1)
        total -= sum(float(logits[at - 1, each.ids[at]]) for at in range(each.start, len(each.ids)))
        count += len(each.ids) - each.start
    assert run_losses(whole, 1)[0] == pytest.approx(total / count, abs=1e-4)


@pytest.mark.slow
def test_a_plan_is_measured_and_trains_nothing(made: Path) -> None:
    """`--plan` says pairs, tokens, steps, seconds a step and memory, and leaves no run."""
    with Store.open(made / "p.srt") as store:
        before = len(runs(store))
    planned = called("train", made / "p.srt", str(made / "export"), *HOW[:-1], "--plan")
    assert planned.returncode == DONE, planned.stderr
    for said in ("10 pairs, read 3 times", "6 steps of 5 pairs", "10 of 10 pairs have the token ids", "s a step", "GB"):
        assert said in planned.stdout
    with Store.open(made / "p.srt") as store:
        assert len(runs(store)) == before


def test_the_settings_for_another_trainer_are_printed(made: Path) -> None:
    """`--print-config` names the same files, student, rate and rank as YAML, each value JSON."""
    printed = called("train", made / "p.srt", str(made / "export"), *HOW, "--lora", "r=4", "--print-config")
    values = dict(line.split(": ", 1) for line in printed.stdout.splitlines())
    assert json.loads(values["model_name_or_path"]) == str(made / "student")
    assert json.loads(values["datasets"])[0]["data_files"] == str(made / "export" / "prompt_completion.train.jsonl")
    assert [json.loads(values[name]) for name in ("learning_rate", "lora_r", "num_train_epochs")] == [0.01, 4, 3]
    assert json.loads(values["completion_only_loss"]) is True


def test_a_student_that_is_none_is_said(made: Path) -> None:
    """A missing student ends the command with a sentence before anything is trained."""
    missing = called("train", made / "p.srt", str(made / "export"), "--student", str(made / "none"), "--no-measure")
    assert missing.returncode == NOT_DONE and "Traceback" not in missing.stderr


@pytest.mark.slow
def test_a_process_that_fails_says_why(made: Path, tmp_path: Path) -> None:
    """A worker whose student has gone says one sentence, as an event, and exits with 1."""
    data = read_export(made / "export")
    settings = Settings(str(tmp_path / "gone"), max_length=512)
    tokens = make_tokens(data.pairs, load_tokens(made / "student"), "alpaca", 512)
    folder = RunFolder(tmp_path / "run")
    folder.write("key", settings, make_plan(tokens, settings), tokens.pairs, 1)
    done = subprocess.run(
        [sys.executable, "-m", WORKER, str(folder.path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["event"] == "failed" and "gone" in json.loads(done.stdout)["message"]


def test_an_export_of_the_app_is_read(made: Path) -> None:
    """The folder that `srt export` writes has pairs, what it put aside, the scored template and the policy."""
    out = made / "exported"
    assert called("select", made / "p.srt", "--preset", "reflection-tuning-v1").returncode == DONE
    done = called("export", made / "p.srt", str(out), "--format", "prompt_completion", "--validation", "0.3")
    assert done.returncode == DONE, done.stderr
    data = read_export(out)
    assert (data.template, data.max_length) == ("alpaca", 512)
    assert data.source["policy"]["name"]
    assert data.put_aside and not {each.sample_id for each in data.pairs} & set(data.put_aside)
    with Store.open(made / "p.srt") as store:
        found = prepare(store, data, Settings(str(made / "student"), max_length=512), data.template)
    assert found.scored == found.plan.pairs == len(data.pairs)
