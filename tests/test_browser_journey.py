"""The main job in a real browser, on the demo project of a first start: look, tune, override, approve, export."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from srt_core.project.store import Store
from srt_core.ui.frame.navigation import PAGES
from srt_core.ui.frame.tour import TOUR
from tests.conftest import StartApp, keyed, wait_for_script
from tests.desk_browser import part, wait_until_saved

pytestmark = pytest.mark.browser


def test_a_newcomer_gets_from_the_demo_to_an_export(app_server: StartApp, page: Page, tmp_path: Path) -> None:
    """A first start makes the demo project, says what it is, and has its scores at once; a tour shows each step; a dial
    is turned and applied, two samples are decided by key, and the file holds what the screen counted.
    """
    server = app_server()
    page.goto(server.link())
    expect(page.get_by_text("This is the demo project.")).to_be_visible()
    numbers = page.get_by_test_id("stMetricValue")
    expect(numbers.nth(3)).not_to_have_text("0")
    wait_for_script(page)
    imported, _, scored, selected = (int(each) for each in numbers.all_inner_texts()[:4])
    assert imported >= 64
    assert 0 < selected < scored <= imported
    walk_tour(page)
    page.get_by_role("link", name="Overview").click()
    page.get_by_role("button", name="Review samples").click()
    expect(page.get_by_role("heading", name="Review", exact=True)).to_be_visible()

    page.get_by_role("link", name="Thresholds", exact=True).click()
    expect(page.get_by_role("heading", name="Thresholds", exact=True)).to_be_visible()
    wait_for_script(page)  # until then the numbers of the page before may still stand
    kept = keyed(page, "thresholds_card").locator("strong").first
    expect(kept).to_have_text(re.compile(r"\d+"))
    before = int(kept.inner_text())
    page.get_by_text("Only rewritten responses", exact=True).click()
    expect(kept).not_to_have_text(str(before))
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("button", name="Undo last", exact=True)).to_be_enabled()
    after = int(kept.inner_text())
    assert after > before

    page.get_by_role("link", name="Review", exact=True).click()
    expect(part(page, "keys").get_by_role("button", name="Leave out").first).to_be_visible()
    for key in ("1", "x"):  # the original by hand, then one that is left out
        page.keyboard.press(key)
    expect(part(page, "place")).to_contain_text("saved")
    wait_until_saved(page)

    page.get_by_role("link", name="Export", exact=True).click()
    expect(page.get_by_role("heading", name="Export", exact=True)).to_be_visible()
    wait_for_script(page)
    page.get_by_role("textbox", name="Folder on this machine").fill(str(tmp_path / "out"))
    page.get_by_role("textbox", name="Folder on this machine").press("Enter")
    button = page.get_by_role("button", name=re.compile(r"^Write \d+ pairs"))
    counted = int(re.findall(r"\d+", button.inner_text())[0])
    button.click()
    expect(page.get_by_text(re.compile("written and read back the same"))).to_be_visible()
    written = (tmp_path / "out").glob("prompt_completion.*.jsonl")
    assert sum(path.read_text("utf-8").count("\n") for path in written) == counted

    server.kill()
    with Store.open(server.projects_dir / "demo.srt") as store:
        kinds = [row["kind"] for row in store.rows("SELECT kind FROM event ORDER BY event_id")]
        assert [kind for kind in kinds if kind in ("policy", "choose", "approve", "reject", "export")][-3:] in (
            ["choose", "reject", "export"],
            ["approve", "reject", "export"],
        )
        assert store.value("SELECT count(*) FROM verdict WHERE verdict_origin IS NOT NULL") == counted


def walk_tour(page: Page) -> None:
    """Take the tour from Overview to its end: each step stands on its page, by its address alone, until it is ended."""
    page.get_by_role("button", name="Take the tour").click()
    for number, step in enumerate(TOUR, 1):
        expect(page).to_have_url(re.compile(f"/{PAGES[step.page][0]}.*tour=on"))
        expect(page.get_by_text(f"{number} of {len(TOUR)}.")).to_be_visible()
        wait_for_script(page)
        if number < len(TOUR):
            page.get_by_role("link", name=re.compile("Next: ")).click()
    page.reload()
    expect(page.get_by_text(f"{len(TOUR)} of {len(TOUR)}.")).to_be_visible()
    wait_for_script(page)
    page.get_by_role("button", name="End the tour").click()
    expect(page.get_by_text(f"{len(TOUR)} of {len(TOUR)}.")).to_be_hidden()
    expect(page).not_to_have_url(re.compile("tour="))
