"""Packs: what shares a forward pass, where its tokens lie, and that no token goes missing."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from srt_core.records import LossRequest, LossStatus
from srt_core.score.student import Batching, computed_tokens
from srt_core.score.student.packing import MIN_SHARED_TOKENS, Layout, cut, lay_out

OK = LossStatus.OK
HEAD = tuple(range(100, 120))

texts = st.builds(
    lambda shared, size, seed: (*HEAD, *HEAD)[:shared] + tuple(random.Random(seed).choices(range(6), k=size)),
    st.integers(0, 40),
    st.integers(2, 60),
    st.integers(0, 8),
)
requests = st.lists(
    texts.flatmap(
        lambda ids: st.builds(
            LossRequest, st.just(ids), st.integers(1, len(ids) - 1), st.just(OK), st.integers(0, len(ids) - 1)
        )
    ),
    min_size=1,
    max_size=25,
)


def texts_of(layout: Layout) -> list[list[int]]:
    """Each segment's whole text, read from the rows that it sees."""
    found = []
    for segment in layout.segments:
        rows = [row for span in (*segment.before, segment.rows) for row in range(*span)]
        assert [layout.positions[row] for row in rows] == list(range(len(rows)))
        found.append([layout.ids[row] for row in rows])
    return found


@given(requests, st.integers(16, 400), st.sampled_from(list(Batching)))
@settings(max_examples=200, deadline=None)
def test_every_request_is_in_one_pack_within_the_budget(
    asked: list[LossRequest], token_budget: int, batching: Batching
) -> None:
    """Packs hold each distinct request once, and no more tokens than the budget behind the context they begin with."""
    packs = cut(asked, token_budget, batching)
    held = [request for pack in packs for request in pack]
    assert len(held) == len(set(held)) == len(set(asked))
    assert set(held) == set(asked)
    for pack in packs:
        allowed = token_budget + (pack[0].before if batching is Batching.PACKED else 0)
        assert computed_tokens(pack, batching) <= max(allowed, *(len(request.ids) for request in pack))


@given(requests, st.integers(16, 400))
@settings(max_examples=200, deadline=None)
def test_a_layout_holds_every_text_and_aims_at_every_target(asked: list[LossRequest], token_budget: int) -> None:
    """Reading back what each segment sees gives the texts; the target rows are those before each target token."""
    for pack in cut(asked, token_budget, Batching.PACKED):
        layout = lay_out(pack)
        assert len(layout.ids) == computed_tokens(pack, Batching.PACKED)
        wholes = texts_of(layout)
        at = 0
        for request, count in zip(pack, layout.counts, strict=True):
            rows, wanted = layout.targets[at : at + count], layout.wanted[at : at + count]
            at += count
            assert tuple(wanted) == request.ids[request.start :]
            assert [layout.positions[row] for row in rows] == list(range(request.start - 1, len(request.ids) - 1))
            assert [layout.ids[row] for row in rows] == list(request.ids[request.start - 1 : -1])
            assert any(whole[: len(request.ids)] == list(request.ids) for whole in wholes)
        assert at == len(layout.targets)


@given(requests, st.integers(16, 400), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_packs_do_not_depend_on_the_order_of_asking(
    asked: list[LossRequest], token_budget: int, chance: random.Random
) -> None:
    """The same requests in another order, some twice, give the same packs, so a resumed run computes the same."""
    shuffled = [*asked, *asked[: len(asked) // 2]]
    chance.shuffle(shuffled)
    for batching in Batching:
        assert cut(shuffled, token_budget, batching) == cut(asked, token_budget, batching)


def test_a_common_beginning_is_laid_down_once() -> None:
    """Two texts behind one head, one of them twice as long behind both: only what is new adds tokens."""
    head = tuple(range(30))
    one, two = (LossRequest((*head, *tail), 30, OK) for tail in ((50, 51), (60, 61, 62)))
    three = LossRequest((*two.ids, *range(70, 80)), 33, OK)
    (pack,) = cut([three, two, one], 1000, Batching.PACKED)
    layout = lay_out(pack)
    assert [segment.depth for segment in layout.segments] == [0, 30, 33]
    assert len(layout.ids) == 32 + 3 + 10
    assert layout.segments[1].before == ((0, 30),)
    assert layout.segments[2].before == ((0, 30), (32, 35))


def test_a_short_common_beginning_is_not_shared() -> None:
    """Finding fewer tokens than that again would cost more than computing them again."""
    head = tuple(range(MIN_SHARED_TOKENS - 1))
    asked = [LossRequest((*head, token), 1, OK) for token in (98, 99)]
    (pack,) = cut(asked, 1000, Batching.PACKED)
    assert [segment.before for segment in lay_out(pack).segments] == [(), ()]


def test_packs_are_about_equally_full() -> None:
    """What is left over is spread, so that no worker waits for another with a full pack."""
    asked = [LossRequest(tuple(range(at, at + 100)), 1, OK) for at in range(21)]
    sizes = [computed_tokens(pack, Batching.PACKED) for pack in cut(asked, 2000, Batching.PACKED)]
    assert len(sizes) == 2
    assert max(sizes) - min(sizes) <= 100


def test_a_pack_ends_where_the_least_context_is_repeated() -> None:
    """The second of two conversations begins a pack of its own, where requests without a context would be spread."""
    asked = [
        LossRequest((*range(at, at + 60), *range(1000 * place, 1000 * place + 20)), 60, OK, 60)
        for at, places in ((100, 4), (200, 8))
        for place in range(1, places + 1)
    ]
    packs = cut(asked, 250, Batching.PACKED)
    assert [{request.ids[0] for request in pack} for pack in packs] == [{100}, {200}]
    spread = cut([replace(request, before=0) for request in asked], 250, Batching.PACKED)
    assert [{request.ids[0] for request in pack} for pack in spread] == [{100, 200}, {200}]
