"""`srt reflect` and `srt prompts` against a real server: estimating, trying, capping, batches, and the key."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import torch

from srt_core.project.store import Store
from srt_core.records import Pair, Stage
from srt_core.reflect.prompts import load_prompts
from tests.command_line import DONE, DONE_WITH_FAILURES, ENVIRONMENT, NOT_DONE, Command, Finished, refused
from tests.empty_project import create_empty
from tests.fault_server import FaultServer, running_fault_server
from tests.reflecting import place_project
from tests.servers.server import running
from tests.small_project import alpaca_rows, save_student
from tests.teaching_server import TeachingServer, record_replies

SAMPLES = 6
KEY = "sk-proj-Zq8vT1mW4xYb7Lr2Nc9Dh5Kf"

Reflect = Callable[..., Finished]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of a few originals."""
    return place_project(tmp_path / "p.srt", SAMPLES)


@pytest.fixture
def server() -> Iterator[TeachingServer]:
    """A teacher whose every reply can be used."""
    with running(TeachingServer()) as found:
        found.refuses = False
        yield found


@pytest.fixture
def reflect(project: Path, server: TeachingServer, command: Command) -> Reflect:
    """Run srt reflect on the project with that teacher, in this process."""

    def run(*options: object, url: str = "") -> Finished:
        return command("reflect", project, "--base-url", url or server.url("teach"), "--model", "m-1", *options)

    return run


def count(project: Path, sql: str) -> int:
    with Store.open(project) as store:
        return int(store.value(f"SELECT count(*) FROM {sql}"))


def rewrites(project: Path) -> int:
    return count(project, "candidate WHERE origin <> 'ORIGINAL'")


# ---- before a run


def test_an_estimate_says_calls_tokens_and_whether_it_is_measured(
    project: Path, server: TeachingServer, reflect: Reflect
) -> None:
    """--estimate asks nothing; without a price it says so, with one it gives dollars, and the batch's share of them."""
    said = reflect("--estimate").stdout
    assert said.startswith(f"{3 * SAMPLES} calls, ") and said.endswith(": price not known.\n")
    assert "a guess until 30 replies of each stage have come" in said
    full = reflect("--estimate", "--price-input", 10, "--price-output", 1000, "--price-batch", 0.5).stdout
    half = reflect("--estimate", "--batch").stdout
    assert not server.requests
    dollars = [float(text.split(": ")[1].split()[0].replace(",", "")) for text in (full, half)]
    assert dollars[0] == pytest.approx(2 * dollars[1], abs=0.02)
    assert dollars[0] > 3 * SAMPLES * 800 * 1000 / 1_000_000
    assert count(project, "reflection") == 0


def test_a_price_of_the_list_is_dated(project: Path, command: Command) -> None:
    """An estimate by a price that came with the source says when the list had it; one that was given has no date."""
    asked = ("reflect", project, "--base-url", "http://127.0.0.1:9/v1", "--model", "gpt-4o-mini", "--estimate")
    assert "at the list price of June 2025" in command(*asked).stdout
    assert "list price" not in command(*asked, "--price-input", 1).stdout


def test_a_trial_without_a_reply_ends_with_2(project: Path, command: Command) -> None:
    """Where every call of a trial failed it says so and ends with 2, whatever they failed for; none is left out."""
    with running_fault_server() as server:
        for behaviour in ("quota", "too_long"):
            finished = command("reflect", project, "--base-url", server.url(behaviour), "--model", "m-1", "--try", 2)
            assert finished.returncode == NOT_DONE
    assert finished.stdout.count("no reply") == 4
    assert "None of the 4 calls brought a reply." in finished.stderr


def test_an_unknown_model_is_told_the_nearest(project: Path, command: Command) -> None:
    """Where the server does not know the model, the names that it lists and that are most like it are told."""
    with running_fault_server() as server:
        server.models = ["llama-3.3-70b", "qwen3-8b", "gpt-oss-20b"]
        url = server.url("unknown_model")
        finished = command("reflect", project, "--base-url", url, "--model", "lama3.3-70b", "--try", 1)
    assert finished.returncode == NOT_DONE
    assert "The nearest that it lists: llama-3.3-70b." in finished.stderr


def test_a_trial_shows_prompts_and_raw_replies(project: Path, server: TeachingServer, reflect: Reflect) -> None:
    """--try 3 prints both requests about three samples and the replies as they came; nothing becomes a candidate."""
    finished = reflect("--try", 3)
    assert finished.returncode == DONE
    assert finished.stdout.count(" reflection: sent\n") == finished.stdout.count(" reflection: accepted\n") == 6
    for row in alpaca_rows(3):
        assert row["instruction"] in finished.stdout and row["output"] in finished.stdout
    replies = server.ledger.replies()
    assert all(reply in finished.stdout for reply in replies)
    assert (rewrites(project), count(project, "reflection"), len(replies)) == (0, 0, 6)
    reflect()
    assert len(server.requests) <= 3 * SAMPLES + 1, "the trial's replies count, but for the one that found the form"
    assert rewrites(project) == 3 * SAMPLES


def test_a_trial_shows_what_is_refused(reflect: Reflect, server: TeachingServer) -> None:
    """A reply that cannot be used is shown with its reason."""
    server.refuses = True
    said = reflect("--try", SAMPLES).stdout
    assert ": refused, missing_section: " in said and "I would rather not" in said


def test_a_trial_honours_caps_and_pace(project: Path, server: TeachingServer, reflect: Reflect) -> None:
    """A trial makes no more calls than the cap, so many at once as asked, shows what came, and says why it stopped."""
    server.delay_seconds = 0.05
    finished = reflect("--try", 20, "--max-calls", 4, "--concurrency", 2)
    assert finished.returncode == NOT_DONE
    assert "Error: The cap of 4 calls is reached." in finished.stderr
    assert len(server.requests) == 4 == count(project, "teacher_call")
    assert server.most_at_once <= 2
    assert finished.stdout.count(" reflection: accepted\n") >= 3, "one call may have found out the form of reply"


# ---- money


def test_a_cap_in_calls_pauses_the_run(project: Path, server: TeachingServer, reflect: Reflect) -> None:
    """At the cap a run ends with 2 and says so; what came is kept, and a higher cap goes on."""
    finished = reflect("--max-calls", 5)
    assert finished.returncode == NOT_DONE
    assert "Error: The cap of 5 calls is reached." in finished.stderr
    assert "Raise the cap" in finished.stderr
    assert len(server.requests) == 5 == count(project, "teacher_call")
    assert reflect("--max-calls", 1000).returncode == DONE
    assert rewrites(project) == 3 * SAMPLES


def test_a_cap_in_dollars_needs_a_price(project: Path, server: TeachingServer, reflect: Reflect) -> None:
    """Without a price a cap in dollars is refused before any call; with one that is remembered it holds."""
    said = refused(reflect("--max-cost", 1))
    assert "none is known for m-1" in said and "--price-input" in said
    assert not server.requests
    finished = reflect("--max-cost", 60, "--price-input", 0, "--price-output", 1_000_000)  # a reply costs 5 dollars
    assert finished.returncode == NOT_DONE and "The cap of 60" in finished.stderr
    with Store.open(project) as store:
        assert store.value("SELECT coalesce(sum(cost), 0) FROM teacher_call") <= 60
    assert "is reached" in reflect("--max-cost", 50).stderr, "the price is known from before"


def test_a_price_is_remembered_in_parts(project: Path, reflect: Reflect) -> None:
    """A first price needs both halves; later each part can be changed alone, and the others stay."""
    assert "Give both" in refused(reflect("--price-input", 1, "--estimate"))
    assert "Give both" in refused(reflect("--price-batch", 0.5, "--estimate"))
    steps: list[tuple[Sequence[object], tuple[float, float, float]]] = [
        (("--price-input", 1, "--price-output", 2), (1, 2, 1)),
        (("--price-batch", 0.5), (1, 2, 0.5)),
        (("--price-output", 3), (1, 3, 0.5)),
    ]
    for options, expected in steps:
        assert reflect(*options, "--estimate").returncode == DONE
        with Store.open(project) as store:
            (row,) = store.rows("SELECT input, output, batch_share FROM price WHERE model = 'm-1'")
        assert tuple(row.values()) == expected


def test_a_run_says_what_was_spent(reflect: Reflect) -> None:
    """With a price the sum of all runs is printed."""
    said = reflect("--price-input", 1_000_000, "--price-output", 1_000_000).stdout
    assert f"{12 * (3 * SAMPLES):,}.00 US dollars spent" in said or f"{12 * (3 * SAMPLES + 1):,}.00" in said


# ---- a run


def test_a_run_that_is_done_ends_with_0(project: Path, reflect: Reflect) -> None:
    """Where every rewrite came the exit code is 0, and 0 again with nothing left to ask."""
    first, second = reflect(), reflect()
    assert (first.returncode, second.returncode) == (DONE, DONE)
    assert first.stdout == f"{3 * SAMPLES} reflections used, 0 failed in this run.\n"
    assert second.stdout == "0 reflections used, 0 failed in this run.\n"


def test_requests_a_minute(project: Path, server: TeachingServer, reflect: Reflect) -> None:
    """A limit in requests a minute that is far above what is asked changes nothing but the pace."""
    assert reflect("--rpm", 60_000, "--tpm", 1e9).returncode == DONE
    assert rewrites(project) == 3 * SAMPLES
    assert reflect("--rpm", 0).returncode == NOT_DONE


def test_failed_ones_are_asked_again_with_a_word(project: Path, server: TeachingServer, reflect: Reflect) -> None:
    """--retry-failed asks about refused replies alone, and the note is in each of those requests."""
    server.refuses = True
    assert reflect().returncode == DONE_WITH_FAILURES
    failed = count(project, "(SELECT DISTINCT sample_id, origin FROM reflection WHERE status = 'refused') AS refused "
                            "ANTI JOIN candidate USING (sample_id, origin)")  # fmt: skip
    assert failed
    before = len(server.requests)
    assert reflect().returncode == DONE_WITH_FAILURES
    assert len(server.requests) == before, "without the option they stay as they are"
    server.refuses = False
    assert reflect("--retry-failed", "--note", "Use short words.").returncode == DONE
    texts = [json.dumps(asked) for asked in server.requests[before:]]
    noted = [text for text in texts if "Use short words." in text]
    assert len(noted) == failed
    assert "Add --retry-failed" in refused(reflect("--note", "Use short words."))


@pytest.mark.parametrize("form", ["json", "sections"])
def test_the_form_of_reply_can_be_given(server: TeachingServer, reflect: Reflect, form: str) -> None:
    """--reply-format says whether each request has a schema."""
    assert reflect("--reply-format", form).returncode == DONE
    assert {"response_format" in asked for asked in server.requests} == {form == "json"}


def test_prompts_of_ones_own_are_another_producer(
    project: Path, server: TeachingServer, reflect: Reflect, tmp_path: Path, command: Command
) -> None:
    """What `srt prompts` prints is a prompts file; with another wording its rewrites stand beside the first ones."""
    printed = command("prompts")
    assert (printed.returncode, printed.stderr) == (DONE, "")
    mine = tmp_path / "mine.toml"
    mine.write_text(printed.stdout, encoding="utf-8")
    assert load_prompts(mine) == load_prompts()
    reflect()
    asked = len(server.requests)
    assert reflect("--prompts", mine).stdout.startswith("0 reflections used"), "the same prompts, the same producer"
    system = load_prompts().stages[Stage.INSTRUCTION].system.splitlines()[0][:20]
    assert system in printed.stdout
    mine.write_text(printed.stdout.replace(system, f"Mind the gap. {system}"), encoding="utf-8")
    assert reflect("--prompts", mine).returncode == DONE
    assert rewrites(project) == 6 * SAMPLES
    assert count(project, "(SELECT DISTINCT producer FROM candidate WHERE origin <> 'ORIGINAL')") == 2
    assert any("Mind the gap." in json.dumps(asked) for asked in server.requests[asked:])
    assert command("prompts", mine).stdout == mine.read_text("utf-8")
    mine.write_text("version = 3", encoding="utf-8")
    assert "cannot be used" in refused(reflect("--prompts", mine))
    assert "cannot be used" in refused(command("prompts", mine))


def test_refused_replies_are_read_again_without_a_call(
    project: Path, server: TeachingServer, reflect: Reflect, command: Command
) -> None:
    """--parse-again says how many of the refused replies can be used now, and asks nobody."""
    server.refuses = True
    reflect()
    asked = len(server.requests)
    finished = command("reflect", project, "--parse-again")
    assert finished.returncode == DONE
    assert finished.stdout.startswith("0 of ") and finished.stdout.endswith(" can be used now.\n")
    assert len(server.requests) == asked


def test_a_student_scores_beside_the_calls(project: Path, server: TeachingServer, reflect: Reflect,
                                           tmp_path: Path) -> None:  # fmt: skip
    """With a student one sequential run makes 2 calls a sample: the response stage follows the scores."""
    student = save_student(tmp_path / "student")
    finished = reflect("--mode", "sequential", "--student", student)
    assert finished.returncode == DONE, finished.stderr
    assert "wait for scores" not in finished.stdout
    assert rewrites(project) == 2 * SAMPLES
    assert count(project, "score") >= 2 * SAMPLES


def test_without_a_student_sequential_mode_says_what_it_waits_for(project: Path, reflect: Reflect) -> None:
    """Without scores the instruction stage alone is done, and what follows is named."""
    finished = reflect("--mode", "sequential")
    assert finished.returncode == DONE
    assert f"{SAMPLES} samples wait for scores" in finished.stdout
    assert rewrites(project) == SAMPLES


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--student", "x"], "Add --mode sequential"),
        (["--student", "x", "--mode", "sequential", "--batch"], "No student scores beside a batch"),
        (["--prompts", "/nothing.toml"], "cannot be read"),
    ],
)
def test_options_that_do_not_go_together(
    project: Path, server: TeachingServer, reflect: Reflect, options: list[str], said: str
) -> None:
    """What cannot be done as asked is refused before any call."""
    assert said in refused(reflect(*options))
    assert not server.requests


# ---- a batch


def test_a_batch_in_pieces(project: Path, server: TeachingServer, reflect: Reflect) -> None:
    """Without waiting each command fetches, sends and says how it stands, until all is done."""
    said = [reflect("--batch", "--no-wait") for _ in range(9)]
    assert all(finished.returncode == DONE for finished in said)
    assert said[0].stdout.endswith(" requests are sent as a batch\n")
    assert "The batch is in_progress: 0 of " in said[1].stdout
    assert said[-1].stdout == "0 reflections used, 0 failed in this run.\n"
    assert rewrites(project) == 3 * SAMPLES
    assert len(server.batches.batches) == 2


def test_a_batch_in_one_go(project: Path, server: TeachingServer, reflect: Reflect) -> None:
    """A batch is waited for, and failures end the command with 1 and are listed."""
    server.refuses = True
    finished = reflect("--batch", "--poll-seconds", 0.05, url=server.url("batch"))
    assert finished.returncode == DONE_WITH_FAILURES
    assert finished.stdout.startswith(f"{rewrites(project)} reflections used, ")
    assert "missing_section" in finished.stderr


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [
        ("batch_unknown", "has no Batch API at this address"),
        ("batch_failed", "refused the batch"),
        ("batch_upload_refused", "Files are not taken today"),
        ("batch_create_refused", "Enqueued token limit reached"),
    ],
)
def test_a_batch_that_is_refused(
    project: Path, server: TeachingServer, reflect: Reflect, behaviour: str, said: str
) -> None:
    """A teacher without a Batch API, or one that refuses the batch, is named in one sentence with a hint."""
    finished = reflect("--batch", "--poll-seconds", 0.05, url=server.url(behaviour))
    assert finished.returncode == NOT_DONE
    (error,) = (line for line in finished.stderr.splitlines() if line.startswith("Error: "))
    assert said in error
    assert finished.stderr.splitlines()[-1]
    assert "Traceback" not in finished.stderr


def test_a_batch_can_be_given_up(project: Path, server: TeachingServer, reflect: Reflect) -> None:
    """--forget-batch sends again what a stuck batch holds."""
    for _ in range(3):
        finished = reflect("--batch", "--no-wait", url=server.url("batch_stuck"))
    assert "The batch is in_progress" in finished.stdout
    reflect("--batch", "--no-wait", "--forget-batch")
    assert len(server.batches.batches) == 2
    assert reflect("--batch", "--poll-seconds", 0.05).returncode == DONE
    assert rewrites(project) == 3 * SAMPLES


def test_a_recording_has_no_batch_api(project: Path, tmp_path: Path, command: Command) -> None:
    """A recording is replayed, not sent."""
    replies = record_replies(tmp_path / "replies.jsonl", load_prompts(), [Pair("Name a colour.", "Red.")])
    assert "no Batch API" in refused(command("reflect", project, "--replay", replies, "--batch"))


# ---- a teacher that cannot be used, and the key


@pytest.fixture
def faults() -> Iterator[FaultServer]:
    """A server that misbehaves."""
    with running_fault_server() as found:
        yield found


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [("echo_key", "refuses the key"), ("unknown_model", "does not know the model"), ("quota", "quota is spent")],
)
@pytest.mark.parametrize("more", [[], ["--batch"], ["--try", "2"]])
def test_a_teacher_that_refuses_every_call(
    project: Path, faults: FaultServer, reflect: Reflect, behaviour: str, said: str, more: list[str]
) -> None:
    """A bad key, an unknown model and a spent quota end every kind of run with 2, one sentence and a hint."""
    finished = reflect(*more, url=faults.url(behaviour))
    assert (finished.returncode, finished.stdout) == (NOT_DONE, "")
    assert said in finished.stderr and "Traceback" not in finished.stderr
    assert count(project, "reflection") == 0


@pytest.mark.parametrize("more", [[], ["--batch"], ["--try", "2"]])
def test_a_server_that_is_not_there(project: Path, reflect: Reflect, more: list[str]) -> None:
    """A server that cannot be reached ends every kind of run with 2."""
    assert "cannot be reached" in refused(reflect(*more, url="http://127.0.0.1:9/v1"))


@pytest.mark.parametrize("address", [f"http://me:{KEY}@127.0.0.1:9/v1", f"http://127.0.0.1:9/v1?key={KEY}"])
def test_an_address_that_holds_a_key(project: Path, reflect: Reflect, address: str) -> None:
    """An address with a password in it is refused, and no part of it is repeated or stored."""
    said = refused(reflect(url=address))
    assert "holds more than an address" in said
    assert KEY[:12] not in said
    assert found_in(project.parent, KEY) == []


def found_in(folder: Path, key: str) -> list[Path]:
    """List the files of a folder that hold a key or its first twelve characters, as any program would store them."""
    marks = [text.encode(encoding) for text in (key, key[:12]) for encoding in ("utf-8", "utf-16-le")]
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if any(mark in path.read_bytes() for mark in marks)]


@pytest.mark.parametrize("more", [[], ["--batch", "--poll-seconds", "0.05"], ["--try", "3"]])
@pytest.mark.parametrize("behaviour", ["echo_key", "long_echo_key", "answer_key"])
def test_the_key_is_nowhere(
    project: Path,
    faults: FaultServer,
    behaviour: str,
    more: list[str],
    reflect: Reflect,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A key that the server repeats is in no file under the project's folder and in no output."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    reflected = reflect(*more, url=faults.url(behaviour))
    assert faults.requests, "the server was asked, and had the key"
    exported = command("export", project, project.parent / "out", "--format", "alpaca", "--format", "scores",
                       "--format", "parquet")  # fmt: skip
    assert exported.returncode == DONE
    assert (project.parent / "out" / "manifest.json").is_file()
    for text in (reflected.stdout, reflected.stderr, exported.stdout, exported.stderr):
        assert KEY[:12] not in text
    assert found_in(project.parent, KEY) == []
    assert count(project, "teacher_call WHERE raw LIKE '%[key]%'") > 0, "it did come back"


def test_no_list_of_processes_shows_the_key(project: Path, faults: FaultServer) -> None:
    """While a command calls its teacher the key is in no argument list, where every user of the machine could read it.

    Nor is it in what a process of its own prints.
    """
    url = faults.url("echo_key")
    command = [sys.executable, "-m", "srt_core", "reflect", str(project), "--base-url", url, "--model", "m-1"]
    faults.delay_seconds = 0.3
    lists: set[bytes] = set()
    environment = ENVIRONMENT | {"OPENAI_API_KEY": KEY}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while process.poll() is None and not (lists and faults.begun):
            lists.add(Path(f"/proc/{process.pid}/cmdline").read_bytes())
        said, errors = process.communicate()
    assert any(b"reflect" in words for words in lists)
    assert faults.requests, "the server was asked, and had the key"
    for text in (said, errors, *lists):
        assert KEY[:12].encode() not in text


def test_the_search_finds_a_key(tmp_path: Path) -> None:
    """The search for the key would find it in a project file and in the log beside it."""
    with create_empty(tmp_path / "p.srt") as store:
        store.set_meta("note", f"It is {KEY}.")
        assert tmp_path / "p.srt.wal" in found_in(tmp_path, KEY)
    assert tmp_path / "p.srt" in found_in(tmp_path, KEY)
