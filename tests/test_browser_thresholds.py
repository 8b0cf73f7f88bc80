"""Thresholds in a real browser: a slider moved in a hurry, the card beside limits that scroll, clicks in charts."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from srt_core.records import Origin
from tests.conftest import AppServer, address_of, click_at, keyed, scroll_to, until_taken, wait_for_script
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

pytestmark = pytest.mark.browser

PRESSES = 10


@pytest.fixture
def project(shared_server: AppServer, tmp_path: Path) -> Path:
    """Samples whose response is kept, with an r-IFD from 0.505 to 0.995 in steps of a hundredth."""
    path = shared_server.projects_dir / f"{tmp_path.name}.srt"
    cases = [
        Case({Origin.ORIGINAL: Numbers(0.5, 1.5), Origin.RESPONSE: Numbers(0.5, 0.505 + place / 100)})
        for place in range(50)
    ]
    create_project(path, cases).close()
    return path


def kept(page: Page) -> Locator:
    """The number of samples kept, on the card."""
    return keyed(page, "thresholds_card").locator("strong").first


@pytest.mark.parametrize("gap_milliseconds", [0, 60])
def test_a_burst_on_a_slider_loses_no_step(
    page: Page, shared_server: AppServer, project: Path, gap_milliseconds: int
) -> None:
    """However fast a slider is moved, limit, count and address end at its last place."""
    page.goto(shared_server.link(f"/Thresholds?project={project.stem}"))
    expect(kept(page)).to_have_text("50")
    wait_for_script(page)
    slider = keyed(page, "dial_max_r_ifd_slider").locator("input[type=range]")
    slider.focus()
    for _ in range(PRESSES):
        slider.press("ArrowLeft")
        page.wait_for_timeout(gap_milliseconds)
    expect(kept(page)).to_have_text(str(50 - PRESSES))
    wait_for_script(page)
    expect(slider).to_have_value(f"{1 - PRESSES / 100:g}")
    assert "max_r_ifd" in address_of(page)
    page.reload()
    expect(kept(page)).to_have_text(str(50 - PRESSES))


def test_limits_moved_one_right_after_the_other_both_stay(page: Page, shared_server: AppServer, project: Path) -> None:
    """A limit that is moved while the page still says what the one before has changed takes nothing back."""
    page.goto(shared_server.link(f"/Thresholds?project={project.stem}"))
    expect(kept(page)).to_have_text("50")
    wait_for_script(page)
    sliders = [keyed(page, f"dial_{name}_slider").locator("input[type=range]") for name in ("max_r_ifd", "max_ifd")]
    sliders[0].press("ArrowLeft")
    page.wait_for_function("location.search.includes('max_r_ifd')")
    sliders[1].press("ArrowLeft")
    page.wait_for_function("location.search.includes('max_ifd')")
    wait_for_script(page)
    assert {name: value for name, value in limits_of(page).items() if name.startswith("max_")} == {
        "max_r_ifd": 0.99,
        "max_ifd": 0.99,
    }


@pytest.mark.parametrize(
    "size", [{"width": 1440, "height": 900}, {"width": 1024, "height": 768}], ids=["large", "small"]
)
def test_the_card_stays_in_sight_and_what_it_applies_can_be_undone(
    page: Page, shared_server: AppServer, project: Path, size: dict[str, int]
) -> None:
    """At both sizes the limits scroll beside the card; apply, then undo last, and all is as it was before."""
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    page.goto(shared_server.link(f"/Thresholds?project={project.stem}"))
    expect(kept(page)).to_have_text("50")
    wait_for_script(page)
    slider = keyed(page, "dial_max_r_ifd_slider").locator("input[type=range]")
    slider.focus()
    slider.press("ArrowLeft")
    expect(kept(page)).to_have_text("49")
    wait_for_script(page)
    last = keyed(page, "dial_rank_by_choice")
    scroll_to(last)
    expect(last).to_be_in_viewport(ratio=1)
    undo, apply = (page.get_by_role("button", name=name, exact=True) for name in ("Undo last", "Apply"))
    for part in (kept(page), undo, apply):
        expect(part).to_be_in_viewport(ratio=1)
    expect(undo).to_be_disabled()
    apply.click()
    expect(undo).to_be_enabled()
    expect(kept(page)).to_have_text("49")
    undo.click()
    expect(kept(page)).to_have_text("50")
    expect(undo).to_be_disabled()


def click_in_chart(page: Page, chart: Locator, across: float, up: float) -> None:
    """Click in a chart at shares of its plot's width and height, the height from the bottom."""
    scroll_to(chart)
    plot = chart.bounding_box()
    assert plot
    click_at(page, plot["x"] + plot["width"] * across, plot["y"] + plot["height"] * (1 - up))


def limits_of(page: Page) -> dict[str, object]:
    """The limits in the address, once it has any."""
    page.wait_for_function("location.search.includes('dials=')")
    found: dict[str, object] = json.loads(parse_qs(urlsplit(address_of(page)).query)["dials"][0])
    return found


def test_a_click_on_a_histogram_and_on_the_map_moves_the_limits(
    page: Page, shared_server: AppServer, project: Path
) -> None:
    """A click in the chart puts its limit there; on Compare a click on a cell of the map sets both limits."""
    page.goto(shared_server.link(f"/Thresholds?project={project.stem}"))
    slider = keyed(page, "dial_max_r_ifd_slider").locator("input[type=range]")
    slider.focus()
    slider.press("ArrowLeft")
    histogram = keyed(page, "thresholds_chart").locator(".nsewdrag").last
    histogram.wait_for()
    wait_for_script(page)
    until_taken(page, lambda: click_in_chart(page, histogram, 0.25, 0.2))
    page.wait_for_function("!location.search.includes('0.99')")
    first = float(str(limits_of(page)["max_r_ifd"]))
    assert 0.5 < first < 0.99
    expect(slider).to_have_count(1)  # the one before goes when the script has ended
    expect(slider).to_have_value(f"{first:g}")
    page.get_by_role("link", name="Compare", exact=True).click()
    page.get_by_text("Two limits", exact=True).click()
    cells = keyed(page, "compare_map").locator(".nsewdrag")
    cells.wait_for()
    wait_for_script(page)
    expect(page.get_by_text("Counted over all 50 samples.")).to_be_visible()
    until_taken(page, lambda: click_in_chart(page, cells, 0.9, 0.9))
    page.wait_for_function("location.search.includes('response_margin')")
    moved = limits_of(page)
    assert float(str(moved["response_margin"])) > 0
    assert moved["max_r_ifd"] == first
