"""Thresholds in a real browser: a slider moved in a hurry ends where the hand left it."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from srt_core.records import Origin
from tests.conftest import AppServer, address_of, click_at, keyed, until_taken, wait_for_script
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


@pytest.mark.parametrize("gap_milliseconds", [0, 60])
def test_a_burst_on_a_slider_loses_no_step(
    page: Page, shared_server: AppServer, project: Path, gap_milliseconds: int
) -> None:
    """However fast a slider is moved, dial, count and address end at its last place."""
    page.goto(shared_server.link(f"/Thresholds?project={project.stem}"))
    kept = page.get_by_test_id("stMetric").filter(has_text="Samples kept").get_by_test_id("stMetricValue")
    expect(kept).to_have_text("50")
    wait_for_script(page)
    slider = keyed(page, "dial_max_r_ifd_slider").locator("input[type=range]")
    slider.focus()
    for _ in range(PRESSES):
        slider.press("ArrowLeft")
        page.wait_for_timeout(gap_milliseconds)
    expect(kept).to_have_text(str(50 - PRESSES))
    wait_for_script(page)
    expect(slider).to_have_value(f"{1 - PRESSES / 100:g}")
    assert "max_r_ifd" in address_of(page)
    page.reload()
    expect(kept).to_have_text(str(50 - PRESSES))


def click_in_chart(page: Page, chart: Locator, across: float, up: float) -> None:
    """Click in a chart at shares of its plot's width and height, the height from the bottom."""
    chart.scroll_into_view_if_needed()
    plot = chart.bounding_box()
    assert plot
    click_at(page, plot["x"] + plot["width"] * across, plot["y"] + plot["height"] * (1 - up))


def dials_of(page: Page) -> dict[str, object]:
    """The dials in the address, once it has any."""
    page.wait_for_function("location.search.includes('dials=')")
    found: dict[str, object] = json.loads(parse_qs(urlsplit(address_of(page)).query)["dials"][0])
    return found


def test_a_click_on_a_histogram_and_on_the_map_turns_the_dials(
    page: Page, shared_server: AppServer, project: Path
) -> None:
    """A click in a distribution puts its dial there; a click on a cell of the map sets both dials."""
    page.goto(shared_server.link(f"/Thresholds?project={project.stem}"))
    histogram = keyed(page, "cut-max_r_ifd").locator(".nsewdrag")
    histogram.wait_for()
    wait_for_script(page)
    until_taken(page, lambda: click_in_chart(page, histogram, 0.25, 0.2))
    first = float(str(dials_of(page)["max_r_ifd"]))
    assert 0.5 < first < 1
    slider = keyed(page, "dial_max_r_ifd_slider").locator("input[type=range]")
    expect(slider).to_have_count(1)  # the one before goes when the script has ended
    expect(slider).to_have_value(f"{first:g}")
    page.get_by_text("Map of two dials", exact=True).click()
    cells = keyed(page, "map-").locator(".nsewdrag")
    cells.wait_for()
    wait_for_script(page)
    expect(page.get_by_text("Counted over all 50 samples.")).to_be_visible()
    until_taken(page, lambda: click_in_chart(page, cells, 0.9, 0.9))
    page.wait_for_function("location.search.includes('response_margin')")
    turned = dials_of(page)
    assert float(str(turned["response_margin"])) > 0
    assert turned["max_r_ifd"] == first
