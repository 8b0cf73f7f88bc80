"""Guards over the tries of a task, in their order, and what is taken of them. Computed from what is stored alone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from srt_core.methods.self_guide import (
    Found,
    agreement,
    balanced,
    folded,
    has_length,
    is_new,
    label_of,
    not_empty,
    without_noise,
)
from srt_core.project.store import Row, Store
from srt_core.project.transaction import Transaction
from srt_core.records import Pair
from srt_core.reflect.synthesis.task import Task

VERSION = "1"
EMPTY, LENGTH, NOISE, NEW, LABEL, CUT, AGREEMENT, BALANCE = (
    "not empty", "length", "noise", "new", "class", "whole", "agreement", "balance",
)  # fmt: skip
INPUT_GUARDS = (CUT, EMPTY, LENGTH, NOISE, NEW)
ANSWER_GUARDS = (CUT, EMPTY, LENGTH, NOISE, LABEL, AGREEMENT, BALANCE)
_CUT_REASONS = ("length", "max_tokens")

# The last reply to each try, with whether every guard that looked at it lets it pass, or a person took it.
TRIES = f"""
    SELECT generation.*, coalesce(passed, true) AS passed, passed IS NOT NULL AS is_judged,
           generation.generation_id IN (SELECT generation_id FROM restored) AS is_restored,
           generation.generation_id IN (
               SELECT generation_id FROM guard WHERE name = '{AGREEMENT}' AND guard.passed) AS is_agreed
    FROM generation LEFT JOIN (SELECT generation_id, bool_and(passed) AS passed FROM guard GROUP BY ALL) AS judged
        ON judged.generation_id = generation.generation_id
    WHERE task_hash = $task AND student = $student AND outcome = 'answered'"""


def inputs(store: Store, task: str, student: str) -> list[Row]:
    """Read the inputs that were written, in the order in which they were asked for."""
    sql = f"SELECT * FROM ({TRIES}) WHERE step = 'input' ORDER BY round, number, generation_id"
    return store.rows(sql, {"task": task, "student": student})


def answers(store: Store, task: str, student: str) -> dict[int, list[Row]]:
    """Read the answers, by the input that they are to."""
    sql = f"SELECT * FROM ({TRIES}) WHERE step = 'answer' ORDER BY parent_id, number, generation_id"
    found: dict[int, list[Row]] = {}
    for row in store.rows(sql, {"task": task, "student": student}):
        found.setdefault(row["parent_id"], []).append(row)
    return found


def is_taken(row: Row) -> bool:
    """Whether a try is gone on with: no guard held it back, or a person took it."""
    return bool(row["is_restored"] or (row["is_judged"] and row["passed"]))


def judge_inputs(store: Store, task: Task, student: str) -> None:
    """Judge the inputs that no guard has looked at yet, in their order: each is to be another than those before."""
    rows = inputs(store, task.hash, student)
    seen: dict[str, object] = {demo.input.strip(): None for demo in task.demos}
    lengths = [len(demo.input.strip()) for demo in task.demos]
    said: list[tuple[int, Sequence[tuple[str, Found]]]] = []
    for row in rows:
        text = row["raw"].strip()
        if row["is_judged"]:
            seen.setdefault(text, None)
            continue
        found = _first_out(
            (CUT, partial(_whole, row)),
            (EMPTY, partial(not_empty, text)),
            (LENGTH, partial(has_length, text, lengths)),
            (NOISE, partial(without_noise, text)),
            (NEW, partial(is_new, text, seen)),
        )
        said.append((row["generation_id"], found))
        seen.setdefault(text, None)
    with store.transaction() as tx:
        _write(tx, said)


def judge_answers(store: Store, task: Task, student: str, tries: int, least: float) -> None:
    """Judge the answers: each by itself, then those to one input together, then all classes. What was said is replaced.

    Only inputs with all `tries` answered are judged by agreement.
    """
    lengths = [len(demo.output.strip()) for demo in task.demos]
    found = answers(store, task.hash, student)
    said: dict[int, list[tuple[str, Found]]] = {}
    winners: list[list[Row]] = []
    for key in (row["generation_id"] for row in inputs(store, task.hash, student) if is_taken(row)):
        rows = found.get(key, [])[:tries]
        left = []
        for row in rows:
            checks = said[row["generation_id"]] = _judge_answer(task, row, lengths)
            if all(each.passed for _, each in checks):
                left.append(row)
        if len(rows) == tries:
            same = _agree(task, left, tries, least, said)
            winners += [same] if same else []
    if task.labels:
        _balance(task, winners, said)
    with store.transaction() as tx:
        tx.execute("DELETE FROM guard WHERE generation_id IN (SELECT unnest(?::BIGINT[]))", [list(said)])
        _write(tx, said.items())


def _judge_answer(task: Task, row: Row, lengths: Sequence[int]) -> list[tuple[str, Found]]:
    text = row["raw"].strip()
    checks: list[tuple[str, Callable[[], Found]]] = [(CUT, lambda: _whole(row)), (EMPTY, lambda: not_empty(text))]
    if task.labels:  # a class has its name's length
        checks.append((LABEL, lambda: _is_label(text, task.labels)))
    else:
        checks += [(LENGTH, lambda: has_length(text, lengths)), (NOISE, lambda: without_noise(text))]
    return list(_first_out(*checks))


def _agree(
    task: Task, left: Sequence[Row], tries: int, least: float, said: dict[int, list[tuple[str, Found]]]
) -> list[Row]:
    """Say of the answers that are left which of them most say; returns these, or none. The first is the one taken."""
    texts = [row["raw"].strip() for row in left]
    most = agreement(texts, tries, least, fold=bool(task.labels))
    same = []
    for row, text in zip(left, texts, strict=True):
        votes = sum(_is_same(text, other, task) for other in texts)
        is_winner = most.winner is not None and _is_same(text, most.winner, task)
        why = f", {least:.0%} are needed" if most.winner is None else f", another answer has {most.votes}"
        said[row["generation_id"]].append((AGREEMENT, Found(is_winner, f"{votes}/{tries}{'' if is_winner else why}")))
        same += [row] if is_winner else []
    return same


def _is_same(text: str, other: str, task: Task) -> bool:
    return folded(text) == folded(other) if task.labels else text == other


def _balance(task: Task, winners: Sequence[Sequence[Row]], said: dict[int, list[tuple[str, Found]]]) -> None:
    labels = [label_of(same[0]["raw"], task.labels) or "" for same in winners]
    missing = sorted(set(task.labels) - set(labels))
    kept = [] if missing else balanced(labels)
    why = f"no input was answered {missing[0]}" if missing else "as many of each class as of the rarest are taken"
    for place, same in enumerate(winners):
        for row in same:
            said[row["generation_id"]].append((BALANCE, Found(place in kept, "" if place in kept else why)))


def _is_label(text: str, labels: Sequence[str]) -> Found:
    label = label_of(text, labels)
    return Found(label is not None, "" if label else f"no class of the task: {', '.join(labels)}")


def _whole(row: Row) -> Found:
    is_cut = row["finish_reason"] in _CUT_REASONS
    return Found(not is_cut, "cut at the limit of tokens" if is_cut else "")


def _first_out(*checks: tuple[str, Callable[[], Found]]) -> Sequence[tuple[str, Found]]:
    """Ask guards in their order, up to the first that holds the text back."""
    said = []
    for name, check in checks:
        said.append((name, check()))
        if not said[-1][1].passed:
            break
    return said


def _write(tx: Transaction, said: Iterable[tuple[int, Sequence[tuple[str, Found]]]]) -> None:
    rows = [
        (key, place, name, VERSION, each.passed, each.detail)
        for key, found in said
        for place, (name, each) in enumerate(found, start=1)
    ]
    tx.append("guard", ["generation_id", "place", "name", "version", "passed", "detail"], rows)


@dataclass(frozen=True, slots=True)
class Taken:
    """A pair that is taken, by the try that wrote its input, with how many tries say its answer."""

    input_id: int
    pair: Pair
    agreement: str


def taken(store: Store, task: Task, student: str) -> list[Taken]:
    """Return the pairs to import: of each input that is taken the answer that a person took, else the agreed one."""
    held = answers(store, task.hash, student)
    votes = {row["generation_id"]: row["detail"] for row in store.rows(
        "SELECT generation_id, detail FROM guard WHERE name = ?", [AGREEMENT])}  # fmt: skip
    found = []
    for row in inputs(store, task.hash, student):
        best = _best(held.get(row["generation_id"], ())) if is_taken(row) else None
        if best is not None:
            answer = (label_of(best["raw"], task.labels) if task.labels else None) or best["raw"].strip()
            pair = Pair(task.instruction, answer, row["raw"].strip())
            found.append(Taken(row["generation_id"], pair, votes.get(best["generation_id"], "").split(",")[0]))
    return found


def _best(rows: Sequence[Row]) -> Row | None:
    """Return the answer that a person took, else the one that all guards let pass: agreement is the last of them."""
    by_hand = [row for row in rows if row["is_restored"]]
    agreed = [row for row in rows if row["is_judged"] and row["passed"] and row["is_agreed"]]
    return next(iter([*by_hand, *agreed]), None)
