"""The queue of what is like a sample that was left out: which samples, in which order, and why."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin
from srt_core.review import alike, decisions, queues
from srt_core.review.queues import QUEUES, like_queue
from srt_core.select.derive import refresh
from srt_core.ui.server.runtime import Project
from srt_core.vectors.tfidf import most_alike
from tests.desk_talk import Talk
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.screens import desk_of, open_screen, served

# The rule keeps s5 alone. s6 is of another task, s7 of another subject; s0 to s4 and s8 are of one kind.
CASES = [Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.875)})] * 9
CASES[5] = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})
TEXTS = {
    0: "Boil a kettle of rainwater for nettle soup.",
    1: "Paint the garden fence in autumn.",
    2: "Boil nettle leaves in rainwater.",
    3: "Drain the kettle before winter.",
    4: "Boil nettle soup in rainwater from a kettle.",
    5: "Boil a kettle of rainwater for nettle soup now.",
    6: "Boil a kettle of rainwater for nettle soup too.",
    7: "Boil a kettle of rainwater for nettle soup again.",
    8: "Nettle soup.",
}


def make(path: Path) -> Store:
    store = create_project(path, CASES)
    with store.transaction() as tx:
        for place, text in TEXTS.items():
            tx.execute("UPDATE candidate SET instruction = ? WHERE sample_id = ?", [text, f"s{place}"])
        kinds = [(f"s{place}", "code" if place == 6 else "other", "en", 1 if place == 7 else 0) for place in range(9)]
        tx.append("kind", ["sample_id", "task", "language", "cluster"], kinds)
        tx.append("cluster", ["cluster", "words"], [(0, "soup, kettle"), (1, "fence")])
        tx.bump()
    return store


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    make(tmp_path / "p.srt").close()
    with served(monkeypatch, tmp_path / "p.srt") as project:
        refresh(project.store)
        yield project


def leave_out(store: Store, sample: str, by: str = "ann") -> None:
    decisions.decide(store, Decision(sample, Action.REJECT, by), expected_event_id=None)


def test_the_same_kind_subject_and_reason_with_the_words_most_alike_first(project: Project) -> None:
    """Others of the task, subject and reason of the rule, but not itself; each says why it stands there."""
    leave_out(project.store, "s8", by="bob")
    leave_out(project.store, "s0")
    assert alike.last_left_out(project.store, "ann") == "s0"
    found = alike.like(project.store, "s0")
    assert found.samples == ("s4", "s2", "s3", "s1")  # s8 was decided before
    assert found.said[0].startswith(
        "In this queue: as #1, which was left out, of task other, subject soup, kettle, and with the rule's same "
        "reason; words alike 0."
    )
    assert found.said[0].endswith(": soup, rainwater, nettle")
    assert found.said[3].endswith("words alike 0.05 of 1")


def test_the_order_is_that_of_a_plain_tf_idf() -> None:
    """The cosine is that of 1 + log(count) by log((1 + n) / (1 + df)) + 1, worked out by hand for two texts."""
    one, other = most_alike("nettle soup", ["fence", "nettle kettle"], 2)
    # n = 3 texts: nettle stands in two, soup, kettle and fence in one.
    shared, alone = 1.2876820724517809, 1.6931471805599454
    assert one.cosine == pytest.approx(shared**2 / (shared**2 + alone**2))
    assert (one.place, one.words) == (1, ("nettle",))
    assert (other.place, other.cosine, other.words) == (0, 0.0, ())


def test_the_queue_stays_as_it_is_while_its_samples_are_decided(project: Project) -> None:
    """Whoever leaves out one of the queue goes on in the same; what is decided waits no more; its card says why."""
    leave_out(project.store, "s0")
    told = ["s8", "s2", "s3", "s1"]
    talk = Talk(project, queue="like", over=like_queue(alike.like(project.store, "s0")))
    assert (talk.data["at"], talk.data["ahead"]) == ("s4", told)
    assert "as #1, which was left out" in talk.cards["s4"]["rule"]["why"][-1]
    leave_out(project.store, "s4")
    again = alike.like(project.store, "s0")
    assert again.samples[0] == "s4"
    assert queues.coming(project.store, like_queue(again), None, 9) == told


def test_the_address_keeps_the_one_that_was_left_out(project: Project) -> None:
    """Without one the queue is empty; the person's last one is put into the address, and a link brings it back."""
    assert desk_of(open_screen("pages/6_Review.py", queue="like"))["ahead"] == []
    leave_out(project.store, "s3", by="curator")
    app = open_screen("pages/6_Review.py", queue="like")
    assert app.query_params["like"] in ("s3", ["s3"])
    assert set(desk_of(app)["order"]) == {"s0", "s1", "s2", "s4", "s8"}
    leave_out(project.store, "s1", by="curator")
    app.run()
    assert set(desk_of(app)["order"]) == {"s0", "s1", "s2", "s4", "s8"}
    assert set(desk_of(open_screen("pages/6_Review.py", queue="like", like="s8"))["order"]) == {"s0", "s2", "s4"}


def test_a_sample_without_its_like_has_an_empty_queue(tmp_path: Path) -> None:
    """Nothing of its kind, or no kind known: an empty queue and no error."""
    with make(tmp_path / "p.srt") as store:
        assert alike.like(store, "s6").samples == ()
        with store.transaction() as tx:
            tx.execute("DELETE FROM kind WHERE sample_id = 's2'")
        assert alike.like(store, "s2").samples == ()
        assert like_queue(alike.like(store, "s2")).label == QUEUES["like"].label
