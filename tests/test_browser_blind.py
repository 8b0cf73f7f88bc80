"""A blind audit by keys in a real browser: what was on screen is what is recorded, sample by sample."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.review.trust import audits, blind
from srt_core.review.trust.audits import Audit, Population
from tests.blind_reading import versions_of
from tests.conftest import AppServer, as_killed, wait_for_script
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

pytestmark = pytest.mark.browser

CASE = Case({origin: Numbers(0.5, 0.75 - place / 10) for place, origin in enumerate(Origin)})
SAMPLES = 6


def draw_audit(path: Path) -> tuple[Audit, dict[str, tuple[int, ...]]]:
    """Create a project and draw all its samples; with the order in which Ann will see the versions of each."""
    with create_project(path, [CASE] * SAMPLES) as store:
        audit = audits.draw(store, Population(), "all", SAMPLES, "ann", seed="s")
        return audit, {name: blind.shuffled(audit, name, "Ann", versions_of(store, name)) for name in audit.samples}


def test_keys_mark_versions_and_enter_goes_on(page: Page, shared_server: AppServer, tmp_path: Path) -> None:
    """Numbers mark by place, A all, X none, Enter stores; Enter alone stores nothing and says why."""
    path = shared_server.projects_dir / f"{tmp_path.name}.srt"
    audit, orders = draw_audit(path)
    query = f"project={path.stem}&queue=drawn&audit={audit.event_id}&curator=Ann"
    page.goto(shared_server.link(f"/Review?{query}"))
    page.get_by_role("button", name="1: not marked").wait_for()
    wait_for_script(page)
    page.keyboard.press("Enter")
    page.get_by_text("Nothing is marked yet").wait_for()
    wait_for_script(page)
    for read, (keys, last) in enumerate((("13", "3"), ("a", "4"), ("x", None), ("2", "2")), start=1):
        for key in keys:
            page.keyboard.press(key)
            if key.isdigit():
                page.get_by_role("button", name=f"{key}: may be trained on").wait_for()
            wait_for_script(page)
        state = "may be trained on" if last else "may not"
        page.get_by_role("button", name=f"{last or 1}: {state}").wait_for()
        page.keyboard.press("Enter")
        page.get_by_text(f"read blind {read} of {SAMPLES}").wait_for()
        wait_for_script(page)
    with Store.open(as_killed(path)) as store:
        found = {event.sample_id: event.context for event in events.events(store, EventFilter(kind="reading"), 9)}
    places = [(0, 2), (0, 1, 2, 3), (), (1,)]
    assert list(found)[::-1] == list(audit.samples[:4])
    for name, marked in zip(audit.samples, places, strict=False):
        assert found[name]["shown"] == list(orders[name])
        assert found[name]["marked"] == [orders[name][place] for place in marked]
