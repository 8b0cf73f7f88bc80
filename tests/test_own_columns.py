"""The curator's own columns: what a filter takes, what is offered of them, and how conditions stand in the address."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from srt_core.errors import SRTError
from srt_core.project.store import Store
from srt_core.records import Pair
from srt_core.review.filter.address import filter_to_address, read_filter
from srt_core.review.filter.filter import Filter
from srt_core.review.filter.own import VALUES, OwnColumn, OwnCondition, own_column, own_columns
from srt_core.ui.explore.component import KEY
from srt_core.ui.frame.filter_address import describe_filter
from tests import context_project
from tests.browsing import sample_ids
from tests.context_project import create_project
from tests.screens import open_screen, served, told_to, words

ROWS: list[Mapping[str, Any]] = [
    {"source": "web", "votes": 3, "odd ~/\"\\'*": "a"},
    {"source": "Web site", "votes": -1.5, "": "nameless"},
    {"source": "100% $(book)", "votes": "7", "checked": True},
    {"source": None, "votes": "many", "tags": ["a", "b"]},
    {"votes": "nan", "checked": False, "of": {"page": 1}},
    {},
]
CONDITIONS = [
    (OwnCondition("source", ("web", "100% $(book)")), [0, 2]),
    (OwnCondition("source", contains="WEB"), [0, 1]),
    (OwnCondition("source", contains="% $("), [2]),
    (OwnCondition("source", ("web",), "site"), []),
    (OwnCondition("votes", ends=(0.0, math.inf)), [0, 2]),
    (OwnCondition("votes", ends=(-1.5, 3.0)), [0, 1]),
    (OwnCondition("votes", ("many", "3")), [0, 3]),
    (OwnCondition("checked", ("true",)), [2]),
    (OwnCondition("tags", contains='"b"'), [3]),
    (OwnCondition("of", ('{"page":1}',)), [4]),
    (OwnCondition("odd ~/\"\\'*", ("a",)), [0]),
    (OwnCondition("", contains="name"), [1]),
    (OwnCondition("*", ("web",)), []),
    (OwnCondition("$.source", ("web",)), []),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A sample for each of ROWS."""
    rows = [(Pair(f"Add {place}.", "1"), {k: v for k, v in own.items() if v is not None})
            for place, own in enumerate(ROWS)]  # fmt: skip
    with create_project(tmp_path_factory.mktemp("own") / "p.srt", rows) as store:
        yield store


@pytest.mark.parametrize(("condition", "places"), CONDITIONS, ids=str)
def test_a_condition_takes_the_samples_whose_value_fits(
    store: Store, condition: OwnCondition, places: list[int]
) -> None:
    """Whatever a column is called and holds, a condition reads its value alone; a sample without one is not taken."""
    names = context_project.sample_ids(store)
    assert sample_ids(store, Filter(own=(condition,)), "number", 10) == [names[place] for place in places]


def test_conditions_on_several_columns_hold_at_once(store: Store) -> None:
    """A sample is taken that fits each of them."""
    both = Filter(own=(OwnCondition("source", contains="w"), OwnCondition("votes", ends=(0.0, 9.0))))
    assert sample_ids(store, both, "number", 10) == context_project.sample_ids(store)[:1]


def test_what_a_column_holds_is_offered(store: Store) -> None:
    """Every column that any row has is named; the range is that of a column of numbers alone."""
    assert own_columns(store) == sorted({name for row in ROWS for name in row})
    assert own_column(store, "checked") == OwnColumn(2, ("false", "true"), None, None)
    assert own_column(store, "votes") == OwnColumn(5, ("-1.5", "3", "7", "many", "nan"), None, None)
    assert own_column(store, "none") == OwnColumn(0, (), None, None)


def test_of_many_values_the_most_frequent_are_offered(tmp_path: Path) -> None:
    """However many distinct values a column has, so many are listed, the most frequent first."""
    votes = [*range(VALUES + 50), 7, 7, 9]
    rows = [(Pair(f"Add {place}.", "1"), {"votes": value}) for place, value in enumerate(votes)]
    with create_project(tmp_path / "p.srt", rows) as store:
        found = own_column(store, "votes")
    assert (found.distinct_values, len(found.most_frequent), found.most_frequent[:2]) == (
        VALUES + 50,
        VALUES,
        ("7", "9"),
    )
    assert (found.lowest, found.highest) == (0, VALUES + 49)


TEXTS = st.text(max_size=5)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
ENDS = st.tuples(NUMBERS | st.just(-math.inf), NUMBERS) | st.tuples(NUMBERS, st.just(math.inf))
OWN = st.builds(OwnCondition, TEXTS, st.lists(TEXTS, max_size=3).map(tuple), TEXTS, st.none() | ENDS).filter(bool)


@given(own=st.lists(OWN, max_size=3, unique_by=lambda each: each.column).map(tuple))
@settings(deadline=None)
def test_the_address_gives_back_what_was_written(own: tuple[OwnCondition, ...]) -> None:
    """Any conditions are the same after they went through the address."""
    assert read_filter(filter_to_address(Filter(own=own))).own == own


def test_the_address_is_short_where_it_can_be() -> None:
    """A value stands alone, as saved views of older versions have it; several are a list; the rest says what it is."""
    own = (OwnCondition("a", ("x",)), OwnCondition("b", ("x", "y")), OwnCondition("c", ends=(1.0, math.inf)))
    only = Filter(own=own)
    written = filter_to_address(only)["extra"]
    assert json.loads(written) == {"a": "x", "b": ["x", "y"], "c": {"from": 1}}
    assert read_filter({"extra": '{"source": "web"}'}).own == (OwnCondition("source", ("web",)),)
    assert describe_filter(only) == "a is 'x'; b is 'x' or 'y'; c from 1"


@pytest.mark.parametrize(
    "asked",
    ["web", "[]", "3", '{"a": 3}', '{"a": []}', '{"a": {}}', '{"a": [1]}', '{"a": {"is": "x", "more": 1}}',
     '{"a": {"from": "low"}}', '{"a": {"to": NaN}}', '{"a": {"contains": 3}}', '{"a": null}'],
)  # fmt: skip
def test_an_address_that_is_no_condition_is_refused(asked: str) -> None:
    """It is an error that shows how to write one, never a wider filter."""
    with pytest.raises(SRTError) as error:
        read_filter({"extra": asked})
    assert '{"contains": "bird"}' in error.value.hint


def asked(app: AppTest) -> object:
    """The conditions in the address."""
    found = app.query_params["extra"]
    return json.loads(found[0] if isinstance(found, list) else found)


def test_explore_filters_by_own_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column of text takes values and a part of them, one of numbers ends; the address holds them all."""
    rows = [
        (Pair(f"Add {place}.", "1"), {"votes": place, "*source*": ("web", "[book](x)")[place % 2]})
        for place in range(4)
    ]
    create_project(tmp_path / "p.srt", rows).close()
    with served(monkeypatch, tmp_path / "p.srt"):
        app = open_screen("pages/4_Explore.py")
        app.session_state["explore_panel"] = "Filters"
        app.session_state["filter_more"] = True
        app.run()
        assert app.selectbox(key="filter_own_name").options == ["*source*", "votes"]
        values = next(each for each in app.multiselect if each.label == "is one of")
        assert values.options == ["[book](x)", "web"]
        values.set_value(["web"]).run()
        assert asked(app) == {"*source*": "web"}
        app.selectbox(key="filter_own_name").set_value("votes").run()
        low = next(
            each for each in app.number_input if str(each.key).startswith("filter_own_1") and each.label == "from"
        )
        low.set_value(1).run()
        assert asked(app) == {"*source*": "web", "votes": {"from": 1}}
        assert "*source* is 'web' · votes from 1" in words(app)
        assert [row["number"] for row in told_to(app, KEY)["rows"]] == [3]
        assert not app.exception
