"""Explore in a real browser: dragging over a chart filters, and a reload finds the same place."""

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from srt_core.project.store import Store
from srt_core.records import Origin
from tests.conftest import AppServer, address_of, click_at, keyed, until_taken, wait_for_script
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

pytestmark = pytest.mark.browser

SAMPLES = 80


@pytest.fixture
def project(shared_server: AppServer, tmp_path: Path) -> Path:
    """Samples with an IFD from 0 to 1, evenly."""
    path = shared_server.projects_dir / f"{tmp_path.name}.srt"
    cases = [Case({Origin.ORIGINAL: Numbers(place / SAMPLES, 0.5)}) for place in range(SAMPLES)]
    create_project(path, cases).close()
    return path


def asked(page: Page) -> dict[str, str]:
    """The query parameters of the address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address_of(page)).query).items()}


def drag_over_chart(page: Page, chart: Locator, start: float, end: float) -> None:
    """Drag a box over a chart, from one share of its width to another."""
    plot = chart.bounding_box()
    assert plot
    middle = plot["y"] + plot["height"] / 2
    page.mouse.move(plot["x"] + plot["width"] * start, middle)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * end, middle, steps=6)
    page.mouse.up()


def click_in_row(page: Page, table: Locator, row: int) -> None:
    """Click into the first column of a row of a grid, below its head."""
    table.scroll_into_view_if_needed()
    place = table.bounding_box()
    assert place
    click_at(page, place["x"] + 15, place["y"] + 35 * (row + 0.5))


def click_in_middle(page: Page, shape: Locator) -> None:
    """Click into the middle of a shape of a chart."""
    place = shape.bounding_box()
    assert place
    click_at(page, place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)


def open_panel(page: Page, address: str, name: str) -> None:
    """Open Explore and choose what stands above its table."""
    page.goto(address)
    page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name)).first.click()


def test_a_dragged_range_filters_and_survives_a_reload(page: Page, shared_server: AppServer, project: Path) -> None:
    """A range dragged over the distribution of IFD becomes the filter, and a reload keeps it."""
    open_panel(page, shared_server.link(f"/Explore?project={project.stem}"), "Distributions")
    expect(page.get_by_text("80 of 80 samples match")).to_be_visible()
    chart = keyed(page, "explore_ifd").locator(".nsewdrag")
    chart.wait_for()
    wait_for_script(page)
    until_taken(page, lambda: drag_over_chart(page, chart, 0.25, 0.5))
    expect(page.get_by_text("80 of 80 samples match")).to_be_hidden()
    low, high = map(float, asked(page)["ifd"].split(","))
    inside = sum(low <= place / SAMPLES <= high for place in range(SAMPLES))
    assert 10 < inside < 30
    expect(page.get_by_text(f"{inside} of 80 samples match")).to_be_visible()
    page.reload()
    expect(page.get_by_text(f"{inside} of 80 samples match")).to_be_visible()


def test_a_selected_row_opens_its_sample_and_survives_a_reload(
    page: Page, shared_server: AppServer, project: Path
) -> None:
    """A click on a row shows its sample beside and names it in the address."""
    page.goto(shared_server.link(f"/Explore?project={project.stem}&page=2"))
    table = keyed(page, "explore_rows").locator("canvas").first
    table.wait_for()
    wait_for_script(page)
    until_taken(page, lambda: click_in_row(page, table, 2))
    expect(page.get_by_text("Sample 52")).to_be_visible()
    assert asked(page)["sample"] == "s51"
    page.reload()
    expect(page.get_by_text("Sample 52")).to_be_visible()
    assert asked(page)["page"] == "2"


def test_a_bar_and_a_row_of_the_coverage_filter(page: Page, shared_server: AppServer, project: Path) -> None:
    """A click on a kind's bar, or on its row, takes the samples of that kind; the order stays."""
    with Store.open(project) as store, store.transaction() as tx:
        kinds = [(f"s{place}", "code" if place % 4 else "other", "en") for place in range(SAMPLES)]
        tx.append("kind", ["sample_id", "task", "language"], kinds)
    address = shared_server.link(f"/Explore?project={project.stem}&sort=number")
    coverage = keyed(page, "coverage-task")
    open_panel(page, address, "Coverage")
    bar = coverage.locator(".barlayer .point path").nth(2)
    bar.wait_for()  # the first of what is dropped; nothing is kept, so the bars before it have no width
    wait_for_script(page)
    until_taken(page, lambda: click_in_middle(page, bar))
    expect(page.get_by_text("80 of 80 samples match")).to_be_hidden()
    first = asked(page)["task"]
    open_panel(page, address, "Coverage")
    table = coverage.locator("canvas").first
    table.wait_for()
    wait_for_script(page)
    until_taken(page, lambda: click_in_row(page, table, 1))
    assert asked(page)["task"] == first
    assert asked(page)["sort"] == "number"
