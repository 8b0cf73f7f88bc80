"""How far an act reaches: the files of srt_core whose code runs from a moved slider, a key press, and a row to a pair.

    python -m benchmarks.walk

The two acts on screen run what the browser asks for, the callback and the fragment that the widget stands in, and are
counted the second time, when nothing but the act is new. The third walk is a file of three rows that is imported,
selected, decided and exported by the steps and functions that screens and command line use.
"""

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any
from unittest.mock import patch

from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import RerunData
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

import srt_core
from srt_core.export.export import export
from srt_core.people.settings import app_folder
from srt_core.project.store import Store
from srt_core.records import Action, Decision, Origin
from srt_core.review.decisions import decide
from srt_core.steps.demo import fill_demo
from srt_core.steps.steps import STEPS
from srt_core.ui.review.desk import Desk

PACKAGE = str(Path(srt_core.__file__).parent) + os.sep
SECONDS = 120
ROWS = """[{"instruction": "Name a colour.", "input": "", "output": "Red."},
           {"instruction": "Name a bird.", "input": "", "output": "A wren."},
           {"instruction": "Name a tree.", "input": "", "output": "An oak."}]"""


def reached(act: Callable[[], object]) -> set[str]:
    """Return the files whose code runs while `act` does, in any thread."""
    found: set[str] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            found.add(frame.f_code.co_filename.removeprefix(PACKAGE))

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return found


class Screen(AppTest):
    """A page in a session of its own, which runs as a whole, or its desk alone: what a click in that has run."""

    known: PagesManager

    @classmethod
    def opened(cls, page: str) -> "Screen":
        """Open a page."""
        screen = cls(str(app_folder() / "app.py"), default_timeout=SECONDS)
        screen.switch_page(page)
        ask = LocalScriptRunner.request_rerun
        runners: list[LocalScriptRunner] = []

        def note_runner(runner: LocalScriptRunner, asked: RerunData) -> bool:
            runners.append(runner)
            return ask(runner, asked)

        with patch.object(LocalScriptRunner, "request_rerun", note_runner):
            screen.run()
        screen.known = runners[-1]._pages_manager  # of the pages, which a run of the whole finds
        return screen

    @contextmanager
    def desk(self) -> Iterator[None]:
        """Have the next run be of the page's last fragment, as a browser asks for it after a click in that."""
        fragment = list(self._fragment_storage._fragments)[-1]
        ask = LocalScriptRunner.request_rerun

        def ask_for_desk(runner: LocalScriptRunner, asked: RerunData) -> bool:
            runner._requests = ScriptRequests()  # it begins with one for the whole page
            runner._pages_manager = self.known
            return ask(runner, replace(asked, fragment_id=fragment))

        with patch.object(LocalScriptRunner, "request_rerun", ask_for_desk):
            yield
        assert not self.exception, self.exception


def move_slider(screen: Screen, turn: int) -> None:
    """Move the limit on r-IFD, on Thresholds."""
    next(slider for slider in screen.slider if "max_r_ifd" in str(slider.key)).set_value(0.9 - turn / 10)
    screen.run()


def press_key(screen: Screen, turn: int) -> None:
    """Do what the key X does on Review: the browser's message to the desk, then its answer."""
    desk: Desk = screen.session_state["desk"]
    assert desk.seated is not None
    told = desk.data(desk.seated)
    sample = told["ahead"][0]
    press = {"id": f"press {turn}", "kind": "leave_out", "sample": sample, "upon": None}
    desk.hear(
        {"turn": f"walk {turn}", "owner": told["owner"], "seat": told["seat"], "at": sample, "presses": [press]},
        desk.seated,
    )
    screen.run()


def carry_row(store: Store, folder: Path) -> None:
    """Import a file of three rows, choose the original of the first, and export what is decided."""
    file = folder / "rows.json"
    file.write_text(ROWS, encoding="utf-8")
    for _ in STEPS["import"].walk(store, {"paths": [str(file)]}):
        pass
    sample = store.value("SELECT sample_id FROM sample ORDER BY seq")
    decide(store, Decision(sample, Action.CHOOSE, "somebody", Origin.ORIGINAL), expected_event_id=None)
    export(store, folder, "alpaca", by="somebody")


def tell(name: str, act: Callable[[], None]) -> None:
    """Print the files that an act reaches."""
    files = reached(act)
    rooms = {Path(file).parts[0] for file in files}
    print(f"{name}: {len(files)} files in {len(rooms)} rooms", *sorted(files), sep="\n    ")


def tell_of_screen(name: str, page: str, act: Callable[[Screen, int], None]) -> None:
    """Print the files that an act on a page reaches the second time, in its desk alone and with the whole page."""
    screen = Screen.opened(page)
    act(screen, 0)
    with screen.desk():
        tell(name, lambda: act(screen, 1))
    tell(f"{name}, with the page around it", lambda: act(screen, 2))


def main() -> None:
    """Print the files that each act reaches, on the demo project."""
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "own.srt"
        os.environ["SRT_PROJECT"] = str(path)
        with Store.create(path) as store:
            for _ in fill_demo(store):
                pass
        tell_of_screen("a moved slider", "pages/5_Thresholds.py", move_slider)
        tell_of_screen("a key press", "pages/6_Review.py", press_key)
        with Store.create(Path(folder) / "rows.srt") as store:
            tell("a row of a file to an exported pair", lambda: carry_row(store, Path(folder)))


if __name__ == "__main__":
    main()
