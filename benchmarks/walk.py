"""How far an act on a screen reaches: the files of srt_core whose code runs from a moved slider, and from a key press.

python -m benchmarks.walk
"""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from streamlit.testing.v1 import AppTest

import srt_core
from srt_core.people.settings import app_folder
from srt_core.project.store import Store
from srt_core.steps.demo import fill_demo, score_demo

PACKAGE = str(Path(srt_core.__file__).parent) + os.sep
SECONDS = 120


def reached(act: Callable[[], object]) -> set[str]:
    """Return the files whose code runs while `act` does, in any thread."""
    found: set[str] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            found.add(frame.f_code.co_filename.removeprefix(PACKAGE))

    threading.setprofile(note)
    try:
        act()
    finally:
        threading.setprofile(None)
    return found


def opened(page: str) -> AppTest:
    """Open a page in a new session."""
    app = AppTest.from_file(str(app_folder() / "app.py"), default_timeout=SECONDS)
    app.switch_page(page)
    return app.run()


def move_slider(app: AppTest, value: float) -> None:
    """Move the limit on r-IFD, on Thresholds."""
    next(slider for slider in app.slider if "max_r_ifd" in str(slider.key)).set_value(value)
    app.run()


def press_key(app: AppTest) -> None:
    """Do what the key A does on Review: its button."""
    next(button for button in app.button if str(button.key).startswith("accept")).click()
    app.run()


def tell(name: str, act: Callable[[float], None], first: float, then: float) -> None:
    """Print the files that an act reaches the second time, when nothing but the act is new."""
    act(first)
    files = reached(lambda: act(then))
    print(f"{name}: {len(files)} files", *sorted(files), sep="\n    ")


def main() -> None:
    """Print the files that each act reaches, on the demo project."""
    logging.disable(logging.WARNING)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "own.srt"
        os.environ["SRT_PROJECT"] = str(path)
        with Store.create(path) as store:
            for step in (fill_demo, score_demo):
                for _ in step(store):
                    pass
        thresholds = opened("pages/5_Thresholds.py")
        tell("a moved slider", lambda value: move_slider(thresholds, value), 0.9, 0.8)
        review = opened("pages/6_Review.py")
        tell("a key press", lambda _: press_key(review), 0, 0)


if __name__ == "__main__":
    main()
