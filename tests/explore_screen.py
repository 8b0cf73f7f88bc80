"""The Explore screen without a browser, on a project of samples that are kept and left out in turn."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.ui.explore.component import HEAD_KEY, KEY
from srt_core.ui.server.runtime import open_project
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.screens import send, told_to

ROOT = Path(__file__).parent.parent
# The rule keeps the response of the even samples and leaves the odd ones out.
KEPT = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})
LEFT_OUT = Case({Origin.ORIGINAL: Numbers(0.9, 0.75), Origin.RESPONSE: Numbers(0.9, 0.875)})
SAMPLES = 120
_TURNS = count(1)


class Screen:
    """Explore open in a session at an address."""

    def __init__(self, **query: str) -> None:
        self.app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        self.app.switch_page("pages/4_Explore.py")
        for name, value in query.items():
            self.app.query_params[name] = value
        self.run()

    def run(self) -> None:
        self.app.run()
        assert not self.app.exception

    def choose(self, label: str, values: list[str]) -> None:
        """Choose values in a box of the filter, which is unfolded for that."""
        self.show("Filters")
        next(box for box in self.app.multiselect if box.label == label).set_value(values)
        self.run()

    def open_more(self) -> None:
        """Unfold the filters that are not in the bar."""
        self.app.session_state["explore_panel"] = "Filters"
        self.app.session_state["filter_more"] = True
        self.run()

    def show(self, panel: str) -> None:
        """Choose what stands above the table."""
        self.app.session_state["explore_panel"] = panel
        self.run()

    def press(self, label: str) -> None:
        next(button for button in self.app.button if button.label == label).click()
        self.run()

    def send(self, **message: Any) -> None:
        """Say to the page what its table in the browser would."""
        send(self.app, KEY, {"turn": f"test {next(_TURNS)}", **message})

    def search(self, text: str) -> None:
        """Look for a text, as the field in the head does."""
        send(self.app, HEAD_KEY, {"text": text})

    @property
    def told(self) -> dict[str, Any]:
        """What the table in the browser is told."""
        return told_to(self.app, KEY)

    @property
    def buttons(self) -> list[str]:
        return [button.label for button in self.app.button]

    @property
    def bulk(self) -> tuple[int, int, int]:
        """How many samples the buttons would keep, leave out and park."""
        counts = self.told["bulk"]
        return counts["keep"], counts["leave_out"], counts["park"]

    @property
    def matching(self) -> tuple[int, int]:
        """How many samples the filter takes, and of how many."""
        return self.told["found"], self.told["samples"]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the samples in the table."""
        return [row["number"] for row in self.told["rows"]]

    @property
    def text(self) -> str:
        return "\n".join(block.value for block in [*self.app.text, *self.app.markdown, *self.app.caption])

    def address(self, name: str) -> str | None:
        found = self.app.query_params.get(name)
        return found[0] if isinstance(found, list) else found


def explored_project(path: Path) -> Path:
    """A project of 60 samples that the rule keeps and 60 that it leaves out, in turn."""
    with create_project(path, [KEPT, LEFT_OUT] * (SAMPLES // 2)) as store, store.transaction() as tx:
        tx.execute('UPDATE sample SET extra = \'{"so:urce": "*web*"}\' WHERE seq <= 30')
        tx.execute("UPDATE candidate SET drift = 0.75, growth = 2.5 WHERE sample_id = 's8' AND origin = 'RESPONSE'")
        tx.execute("UPDATE candidate SET response = 'Blue <b>sky</b>' WHERE sample_id = 's7'")
        tx.append("kind", ["sample_id", "task", "language", "cluster"], [
            (f"s{place}", "code" if place % 3 == 0 else "other", "de" if place % 2 == place % 4 else "en", place % 2)
            for place in range(SAMPLES)
        ])  # fmt: skip
        tx.append("cluster", ["cluster", "words"], [(0, "even, *bold*"), (1, "<img src=x>, :red[odd]")])
    return path


@contextmanager
def served_copy(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server on a copy of that project."""
    path = Path(shutil.copy(made, tmp_path / "project.srt"))
    monkeypatch.setenv("SRT_PROJECT", str(path))
    monkeypatch.setenv("SRT_PROJECTS_DIR", str(tmp_path))
    st.cache_resource.clear()
    yield path
    st.cache_resource.clear()


def store_of(path: Path) -> Store:
    return open_project(path).store


def kinds(path: Path) -> list[str]:
    found = events.events(store_of(path), EventFilter(), limit=1000)
    return [event.kind for event in found]
