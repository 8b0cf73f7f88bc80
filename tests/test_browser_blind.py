"""A blind audit by keys in a real browser: what was on screen is what is recorded, sample by sample."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from srt_core.project import events
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.review.trust import audits, blind
from srt_core.review.trust.audits import Audit, Population
from tests.blind_reading import versions_of
from tests.conftest import AppServer, as_killed
from tests.desk_browser import key, open_desk, part, wait_for_sample, wait_until_saved
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
    open_desk(page, shared_server, path, queue="drawn", audit=audit.event_id, curator="Ann")
    expect(key(page, "1not marked")).to_be_visible()
    page.keyboard.press("Enter")
    expect(part(page, "said")).to_contain_text("Nothing is marked yet")
    for read, (keys, last) in enumerate((("13", "3"), ("a", "4"), ("x", None), ("2", "2")), start=1):
        for pressed in keys:
            page.keyboard.press(pressed)
        expect(key(page, f"{last or 1}{'may be trained on' if last else 'may not'}")).to_be_visible()
        page.keyboard.press("Enter")
        wait_for_sample(page, audit.samples[read])
    wait_until_saved(page)
    expect(part(page, "links")).to_contain_text(f"4 of {SAMPLES} read blind")
    with Store.open(as_killed(path)) as store:
        found = {event.sample_id: event.context for event in events.events(store, EventFilter(kind="reading"), 9)}
    places = [(0, 2), (0, 1, 2, 3), (), (1,)]
    assert list(found)[::-1] == list(audit.samples[:4])
    for name, marked in zip(audit.samples, places, strict=False):
        assert found[name]["shown"] == list(orders[name])
        assert found[name]["marked"] == [orders[name][place] for place in marked]
