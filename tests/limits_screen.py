"""Thresholds and Compare without a browser, over a project of four samples that the test reads."""

from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.review.trust import audits
from srt_core.review.trust.audits import Population
from srt_core.ui.server.runtime import open_project
from srt_core.ui.thresholds.card import CHANGES, TAB
from tests.blind_reading import read_one, versions_of
from tests.rule_oracle import Case, Numbers

ROOT = Path(__file__).parent.parent
THRESHOLDS, COMPARE = "pages/5_Thresholds.py", "pages/12_Compare.py"
# Three samples whose response the rule keeps, at r-IFD 0.5, 0.7 and 0.9, and one that it does not.
CASES = [
    Case({Origin.ORIGINAL: Numbers(0.5, 0.95), Origin.RESPONSE: Numbers(0.5, r_ifd)}) for r_ifd in (0.5, 0.7, 0.9, 1.1)
]


class Screen:
    """One of the two pages open in a session; the other opens in the same."""

    def __init__(self, page: str = THRESHOLDS, **query: str) -> None:
        self.app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        self.open(page, **query)

    def open(self, page: str, **query: str) -> None:
        self.app.switch_page(page)
        for name, value in query.items():
            self.app.query_params[name] = value
        self.run()

    def run(self) -> None:
        self.app.run()
        assert not self.app.exception

    def move(self, limit: str, value: Any) -> None:
        """Move a limit by its widget, whatever kind it is."""
        widgets: Any = [*self.app.slider, *self.app.toggle, *self.app.number_input, *self.app.get("button_group")]
        next(widget for widget in widgets if widget.key and widget.key.startswith(f"dial_{limit}_")).set_value(value)
        self.run()

    def press(self, label: str) -> None:
        self.button(label).click()
        self.run()

    def button(self, label: str) -> Any:
        return next(button for button in self.app.button if button.label == label)

    def choose(self, label: str, value: str) -> None:
        next(box for box in self.app.selectbox if box.label == label).set_value(value)
        self.run()

    def read_changes(self) -> None:
        """Open the tab of the samples that would change."""
        self.app.session_state[TAB] = CHANGES
        self.run()

    def look_at(self, view: str) -> None:
        """Open one of the views of Compare."""
        self.app.session_state["compare_view"] = view
        self.run()

    @property
    def kept(self) -> int:
        said = next(block.value for block in self.app.markdown if block.value.startswith("kept "))
        return int(said.split("**")[1])

    @property
    def changed(self) -> Any:
        """What leads to the samples that would change."""
        return next(button for button in self.app.button if button.key == "thresholds_changed")

    @property
    def is_as_in_use(self) -> bool:
        return bool(self.button("Apply").disabled)

    @property
    def text(self) -> str:
        return "\n".join(block.value for block in [*self.app.text, *self.app.markdown, *self.app.caption])

    @property
    def charts(self) -> list[str]:
        """What the charts of the page say without the picture."""
        return [chart.proto.alt for chart in self.app.get("plotly_chart")]

    def address(self, name: str) -> str | None:
        found = self.app.query_params.get(name)
        return found[0] if isinstance(found, list) else found


def store_of(path: Path) -> Store:
    return open_project(path).store


def read_blind(store: Store, **fit: list[int]) -> None:
    """Draw all samples, and read some of them: name to the places of the versions that may be trained on."""
    audit = audits.draw(store, Population(), "all", 4, "ann", seed="s")
    for name, places in fit.items():
        read_one(store, audit, name, [versions_of(store, name)[place] for place in places])
