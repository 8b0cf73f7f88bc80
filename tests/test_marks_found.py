"""The step that looks for marks: what it stores, what a run that was killed leaves, relations between samples."""

import random
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from typer.testing import CliRunner

from srt_core.commands.main import app
from srt_core.importing.marks import MARKS, count_marks, find_marks, forget, marks_of, run, unlooked
from srt_core.importing.marks.mark import Function, Mark, Original
from srt_core.importing.marks.near_duplicates import VALUES, signatures
from srt_core.importing.run import import_file
from srt_core.importing.samples import sample_id
from srt_core.project.appending import NewCandidate, append_candidates
from srt_core.project.store import Store
from srt_core.records import NO_CONTEXT, Context, Origin, Pair, Role, Turn
from tests.empty_project import create_empty
from tests.killing import worker
from tests.small_project import write_lines

DRAW = random.Random(11)
WORDS = [
    f"{first}{last}" for first in ("ba", "du", "fe", "gi", "ko", "lu", "ma") for last in ("nt", "rk", "st", "m", "p")
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with create_empty(tmp_path / "p.srt") as store:
        yield store


def words(count: int) -> str:
    return " ".join(DRAW.choices(WORDS, k=count))


def add(store: Store, *pairs: Pair, conversation: str | None = None) -> list[int]:
    """Store samples with these originals; return their numbers."""
    numbers = []
    for pair in pairs:
        with store.transaction() as tx:
            total = tx.execute("SELECT count(*) FROM sample")[0][0]
            name = sample_id(pair, total)
            tx.append("sample", ["sample_id", "import_id", "row", "extra", "conversation"],
                      [(name, 1, total, "{}", conversation)])  # fmt: skip
            append_candidates(tx, [NewCandidate(name, Origin.ORIGINAL, "a file", pair)])
            numbers.append(tx.execute("SELECT max(seq) FROM sample")[0][0])
    return numbers


def look(store: Store, *names: str) -> None:
    for _ in find_marks(store, [mark for mark in MARKS if mark.name in names]):
        pass


def held(store: Store, name: str) -> dict[int, str]:
    """The reasons of a mark, by the samples' numbers."""
    rows = store.rows("SELECT seq, detail FROM mark WHERE mark = ?", [name])
    found = {row["seq"]: row["detail"] for row in rows}
    assert len(found) == len(rows), "a sample has a mark at most once"
    return found


# How it runs


def broken(number: int) -> Pair:
    return Pair(f"Say {words(6)}", f"{words(8)}{'<|im_end|>' if number % 3 == 0 else ''}")


def test_what_was_looked_at_is_not_looked_at_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that was stopped keeps what it found, the next one finds the rest, and a third has nothing to do."""
    monkeypatch.setattr(run, "CHUNK", 10)
    add(store, *map(broken, range(60)))
    looked: list[int] = []

    def note(sample: Original) -> str | None:
        looked.append(sample.seq)
        return "third" if sample.seq % 3 == 0 else None

    mark = Mark("note", "Note", "A note.", note)
    stop = Event()
    for progress in find_marks(store, [mark], stop=stop):
        if progress.done == 20:
            stop.set()
    assert (looked, list(held(store, "note"))) == (list(range(1, 21)), [3, 6, 9, 12, 15, 18])
    *_, last = find_marks(store, [mark])
    assert (last.done, last.total) == (40, 40)
    assert list(find_marks(store, [mark])) == []
    assert looked == list(range(1, 61))
    assert len(held(store, "note")) == 20


def test_another_version_of_a_mark_is_looked_for_again(store: Store) -> None:
    """What another version found is forgotten, that of other marks stays."""
    add(store, *map(broken, range(9)))
    old = Mark("note", "Note", "A note.", lambda _: "old")
    other = Mark("other", "Other", "Another.", lambda _: "kept")
    for marks in ([old, other], [replace(old, version="2", function=lambda sample: "new" if sample.seq > 5 else None)]):
        for _ in find_marks(store, marks):
            pass
    assert held(store, "note") == dict.fromkeys((6, 7, 8, 9), "new")
    assert len(held(store, "other")) == 9


def test_marks_that_are_behind_catch_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark that comes later looks at all samples, one that was there at the new ones alone."""
    monkeypatch.setattr(run, "CHUNK", 4)
    looked: dict[str, list[int]] = {"early": [], "late": []}

    def looking(name: str) -> Function:
        return lambda sample: looked[name].append(sample.seq)

    marks = [Mark(name, name, ".", looking(name)) for name in looked]
    add(store, *map(broken, range(6)))
    for _ in find_marks(store, marks[:1]):
        pass
    add(store, *map(broken, range(6, 9)))
    for _ in find_marks(store, marks):
        pass
    assert looked == {"early": list(range(1, 10)), "late": list(range(1, 10))}


def test_samples_that_come_meanwhile_are_looked_at_too(store: Store) -> None:
    """A run ends when every sample was looked at for every mark, also those that were added while it looked."""
    text = words(60)
    add(store, Pair("Say it", text))
    marks = [mark for mark in MARKS if mark.name in ("special_tokens", "near_duplicate")]
    added = 1
    for progress in find_marks(store, marks):
        if progress.message == "Near-duplicate" and added < 3:
            added += 1
            add(store, Pair("Say it", f"{text}</s>"))
    assert sorted(held(store, "special_tokens")) == sorted(held(store, "near_duplicate")) == [2, 3]


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    """A process that is killed amid leaves whole chunks; the next run comes to the same marks as one that was not."""
    path, whole = tmp_path / "p.srt", tmp_path / "whole.srt"
    rows = [
        {"instruction": f"Say {words(6)}", "output": f"{words(20)}{'</s>' if n % 4 == 0 else ''}"} for n in range(900)
    ]
    lines = write_lines(tmp_path / "rows.jsonl", rows)
    for each in (path, whole):
        with create_empty(each) as store:
            for _ in import_file(store, lines):
                pass
    work = """
from pathlib import Path
run.CHUNK = 50
with Store.open(Path(sys.argv[1])) as store:
    for progress in run.find_marks(store):
        print(progress.done, flush=True)
"""
    imports = "import sys\nfrom srt_core.importing.marks import run\nfrom srt_core.project.store import Store"
    with worker(imports, work, path) as process:
        for lines_read in (3, 5):
            assert process.end_at(lines_read) == -signal.SIGKILL
    with Store.open(path) as store:
        before = store.value("SELECT min(until) FROM mark_progress WHERE until > 0")
        assert 0 < before < 900
        done = [progress for progress in find_marks(store) if progress.message == "Marks of each sample"]
        assert done[-1].total == 900 - before
        found = store.rows("SELECT seq, mark, detail FROM mark ORDER BY ALL")
        assert unlooked(store) == []
    with Store.open(whole) as store:
        for _ in find_marks(store):
            pass
        assert found == store.rows("SELECT seq, mark, detail FROM mark ORDER BY ALL")
    assert len([row for row in found if row["mark"] == "special_tokens"]) == 225


def test_what_leaves_the_project_leaves_no_marks(store: Store) -> None:
    """Its marks are gone, and what only had a mark by its relation to it has none after the next run."""
    text = words(60)
    add(store, Pair("Say it", f"{text}</s>"), Pair("Say it", text), Pair("Say it", f"{words(60)}</s>"))
    look(store, "special_tokens", "near_duplicate")
    assert (list(held(store, "special_tokens")), list(held(store, "near_duplicate"))) == ([1, 3], [2])
    with store.transaction() as tx:
        tx.execute("DELETE FROM candidate WHERE sample_id = (SELECT sample_id FROM sample WHERE seq = 1)")
        tx.execute("DELETE FROM sample WHERE seq = 1")
        forget(tx, [1])
    assert "near_duplicate" in unlooked(store)
    look(store, "special_tokens", "near_duplicate")
    assert (list(held(store, "special_tokens")), list(held(store, "near_duplicate"))) == ([3], [])


def test_counts_say_what_was_not_looked_for(store: Store) -> None:
    """A mark has a count once all samples were looked at, 0 where none has it."""
    assert all(each.samples == 0 for each in count_marks(store))
    add(store, *map(broken, range(7)))
    assert all(each.samples is None for each in count_marks(store))
    look(store, "special_tokens", "refusal")
    counts = {each.mark.name: each.samples for each in count_marks(store)}
    assert (counts["special_tokens"], counts["refusal"], counts["contact"]) == (3, 0, None)
    assert next(iter(counts)) == "special_tokens"
    assert [(each.mark.name, each.detail[:16]) for each in marks_of(store, [1, 2])[1]] == [
        ("special_tokens", "“<|im_end|>” in ")
    ]
    assert 2 not in marks_of(store, [1, 2])


def test_the_command_counts_marks_and_shares(store: Store, tmp_path: Path) -> None:
    """`srt marks` looks for what was not looked for and prints each mark with its count and share."""
    add(store, *map(broken, range(8)))
    store.close()
    done = CliRunner().invoke(app, ["marks", str(tmp_path / "p.srt")])
    assert done.exit_code == 0, done.output
    lines = {line.rsplit(maxsplit=2)[0]: line.split()[-2:] for line in done.stdout.splitlines()}
    assert lines["Special tokens"] == ["3", "37.50%"]
    assert lines["HTML remains"] == ["0", "0.00%"]
    assert len(lines) == len(MARKS)


# Equal but for form, and other responses


def test_pairs_that_differ_in_form_alone(store: Store) -> None:
    """White space, line ends, no-break and zero-width spaces, case and composed letters do not make a pair another."""
    first = Pair("Name a café.", "Café Anglais\n\nin Rome", "now")
    same = [
        Pair("name a  café. ", "CAFÉ ANGLAIS\r\nin Rome", "now"),
        Pair("Name\u00a0a café.", "Café Anglais in\u3000Rome", "\u200bNow"),
        Pair("Name a cafe\u0301.", "Cafe\u0301 Anglais in Rome", "now"),
    ]
    other = [
        Pair("Name a café.", "Café Anglais, in Rome", "now"),
        Pair("Name a café.", "Café Anglais in Rome", ""),
        replace(first, context=Context("Be kind.")),
        Pair("Namea café.", "Café Anglais in Rome", "now"),
    ]
    numbers = add(store, first, *same, *other)
    look(store, "same_but_for_form")
    assert held(store, "same_but_for_form") == dict.fromkeys(
        numbers[1:4], f"the same pair as sample {numbers[0]} but for white space or case"
    )


def test_exact_duplicates_are_no_mark(store: Store, tmp_path: Path) -> None:
    """What the import knows as a duplicate is told of once, not as a mark too."""
    row = {"instruction": "Name a river that is long.", "output": "The Elbe is a long river."}
    for _ in import_file(store, write_lines(tmp_path / "rows.jsonl", [row, row])):
        pass
    look(store, "same_but_for_form", "near_duplicate", "other_responses")
    assert store.value("SELECT count(*) FROM mark") == 0


def test_the_same_instruction_with_other_responses(store: Store) -> None:
    """Each sample names another one that answers the same otherwise; an equal answer is none, nor is context."""
    asked = [Pair("Name a river", answer) for answer in ("Elbe", "Oder", "elbe", "Po")]
    context = Context("", (Turn(Role.USER, "Hi"), Turn(Role.ASSISTANT, "Hello")))
    add(store, *asked, Pair("Name a river", "Don", "in Russia"), Pair("Name a river", "Don", context=context))
    add(store, Pair("", "one"), Pair(" ", "two"))
    look(store, "other_responses")
    said = "the same instruction has 2 other responses, as in sample"
    assert held(store, "other_responses") == {1: f"{said} 2", 2: f"{said} 1", 3: f"{said} 2", 4: f"{said} 1"}


# Near-duplicates


def changed(text: str, places: int) -> str:
    """Replace words of a text, far from each other."""
    parts = text.split()
    for place in range(places):
        parts[(place * len(parts)) // places + 2] = "changed"
    return " ".join(parts)


def test_signatures_estimate_the_share_of_common_runs() -> None:
    """Two texts agree in about as large a share of their values as they have runs of three words in common."""
    for places in (1, 5, 20, 60):
        pairs = [(text, changed(text, places)) for text in (words(240) for _ in range(30))]
        errors = []
        for one, other in pairs:
            mine, theirs = (memoryview(each).cast("I") for each in signatures([one.split(), other.split()]))
            runs, others = (set(zip(each, each[1:], each[2:], strict=False)) for each in (one.split(), other.split()))
            agreed = sum(a == b for a, b in zip(mine, theirs, strict=True)) / VALUES
            errors.append(agreed - len(runs & others) / len(runs | others))
        assert abs(sum(errors) / len(errors)) < 0.05


def test_a_signature_is_of_the_text_alone() -> None:
    """Beside whatever other texts, short and empty ones too, a text has the same signature; order of words counts."""
    texts = [["one"], ["one", "two"], ["one", "two", "three"], ["three", "two", "one"], words(50).split(), []]
    alone = [signatures([text])[0] for text in texts]
    assert signatures(texts) == alone
    assert len(set(alone)) == len(texts)
    assert {len(each) for each in alone} == {4 * VALUES}


def test_near_duplicates_are_found_and_name_the_earlier(store: Store) -> None:
    """A text with a word or two changed is one; half of it changed, or other words in the same order, is none."""
    texts = [words(120) for _ in range(40)]
    numbers = add(store, *(Pair("Say it", text) for text in texts))
    near = add(store, *(Pair("Say it", changed(text, 2)) for text in texts[:20]))
    add(store, *(Pair("Say it", changed(text, 40)) for text in texts[20:30]))
    add(store, *(Pair("Say it", " ".join(sorted(text.split()))) for text in texts[30:]))
    look(store, "near_duplicate")
    found = held(store, "near_duplicate")
    assert sorted(found) == near
    assert [said.rsplit(maxsplit=1)[1] for _, said in sorted(found.items())] == [str(each) for each in numbers[:20]]


def test_near_duplicates_in_scripts_without_spaces(store: Store) -> None:
    """In Chinese and Thai each character is a word of its own."""
    chinese = "".join(DRAW.choices("山水火木金土日月风云雨雪花草树鸟鱼虫马牛羊", k=90))
    thai = "".join(DRAW.choices("กขคงจฉชซฌญฎฏฐฑฒณดต", k=90))
    add(
        store,
        *(Pair("说", text) for text in (chinese, f"{chinese[:40]}人{chinese[41:]}", thai, f"{thai[:40]}ห{thai[41:]}")),
    )
    add(store, Pair("说", "".join(DRAW.choices("山水火木金土日月风云雨雪花草树鸟鱼虫马牛羊", k=90))))
    look(store, "near_duplicate")
    assert sorted(held(store, "near_duplicate")) == [2, 4]


def conversation(*turns: str, system: str = "") -> Context:
    roles = [Role.USER, Role.ASSISTANT] * len(turns)
    return Context(system, tuple(Turn(role, text) for role, text in zip(roles, turns, strict=False)))


def test_the_context_is_part_of_a_near_duplicate(store: Store) -> None:
    """The same last words after other turns are two samples, however long a system text they share."""
    system, end = words(400), Pair("thanks", "you're welcome")
    contexts = [conversation(words(60), words(60), system=system) for _ in range(5)]
    add(store, *(replace(end, context=each) for each in contexts), end)
    turns = contexts[0].turns
    almost = conversation(changed(turns[0].text, 1), turns[1].text, system=system)
    (near,) = add(store, replace(end, context=almost))
    add(store, replace(end, context=Context(system)), replace(end, context=Context(words(400))))
    look(store, "near_duplicate")
    assert list(held(store, "near_duplicate")) == [near]


def test_exchanges_of_one_conversation_are_no_near_duplicates(store: Store) -> None:
    """Each exchange of a conversation has the words of those before it as its context; they are other samples."""
    turns = [words(40) for _ in range(20)]
    pairs = [Pair(turns[n], turns[n + 1], context=conversation(*turns[:n])) for n in range(0, 20, 2)]
    assert pairs[0].context == NO_CONTEXT
    add(store, *pairs, conversation="last")
    look(store, "near_duplicate")
    assert held(store, "near_duplicate") == {}


def test_many_copies_cost_what_they_are_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of many near-copies names an earlier one, whatever the size of the chunks they are read and compared in."""
    from srt_core.importing.marks import near_duplicates

    text = words(80)
    add(store, *(Pair("Say it", changed(f"{text} {words(2)}", 1)) for _ in range(60)))
    look(store, "near_duplicate")
    whole = held(store, "near_duplicate")
    assert sorted(whole) == list(range(2, 61))
    monkeypatch.setattr(near_duplicates, "CHUNK", 7)
    monkeypatch.setattr(near_duplicates, "COMPARED", 5)
    with store.transaction() as tx:
        tx.execute("UPDATE mark_progress SET until = 0")
    look(store, "near_duplicate")
    assert held(store, "near_duplicate") == whole


def test_texts_without_words_are_not_all_alike(store: Store) -> None:
    """Signs and emoji are texts of their own."""
    add(store, Pair("👍", "🎉"), Pair("👎", "…"), Pair("?", "!"), Pair("?!", "-"))
    look(store, "near_duplicate")
    assert held(store, "near_duplicate") == {}


def test_a_relation_is_looked_for_among_all_when_there_are_new_samples(store: Store) -> None:
    """Until it is written whole, what was found before stands; then new samples are compared with the old ones."""
    text = words(60)
    add(store, Pair("Say it", text), Pair("Say it", changed(text, 1)))
    look(store, "near_duplicate")
    add(store, Pair("say it!", text))
    stop = Event()
    for _ in find_marks(store, [mark for mark in MARKS if mark.name == "near_duplicate"], stop=stop):
        stop.set()
    assert list(held(store, "near_duplicate")) == [2]
    look(store, "near_duplicate")
    assert sorted(held(store, "near_duplicate")) == [2, 3]
