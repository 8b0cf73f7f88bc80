"""Explore in a real browser: dragging over a chart filters, and a reload finds the same place."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from srt_core.project.store import Store
from srt_core.records import Origin
from tests.conftest import AppServer, address_of, as_killed, click_at, keyed, scroll_to, until_taken, wait_for_script
from tests.desk_browser import part
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

pytestmark = pytest.mark.browser

SAMPLES = 120


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
    scroll_to(table)
    place = table.bounding_box()
    assert place
    click_at(page, place["x"] + 15, place["y"] + 35 * (row + 0.5))


def click_in_middle(page: Page, shape: Locator) -> None:
    """Click into the middle of a shape of a chart."""
    place = shape.bounding_box()
    assert place
    click_at(page, place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)


def row(page: Page, sample: str) -> Locator:
    """A row of the table."""
    return part(page, "table").locator(f"tr[data-sample={sample}]")


def open_panel(page: Page, address: str, name: str) -> None:
    """Open Explore and choose what stands above its table."""
    page.goto(address)
    page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name)).first.click()


def counted(page: Page, words: str) -> None:
    """Wait until the filter takes so many."""
    expect(part(page, "count")).to_have_text(words)


def rows_in_sight(page: Page) -> int:
    """How many rows stand whole within the window, none of it scrolled."""
    return int(
        page.evaluate(
            """() => {
                const root = document.querySelector("[class*='st-key-explore_rows']");
                const shadow = [...root.querySelectorAll('*')].map(each => each.shadowRoot).find(Boolean);
                const table = shadow.querySelector('[data-part=table]').getBoundingClientRect();
                const end = Math.min(table.bottom, window.innerHeight);
                return [...shadow.querySelectorAll('tbody tr')].filter(row => {
                    const place = row.getBoundingClientRect();
                    return place.top >= 0 && place.bottom <= end;
                }).length;
            }"""
        )
    )


@pytest.mark.parametrize(("width", "height", "least"), [(1440, 900, 18), (1024, 768, 12)])
def test_the_rows_come_first(
    page: Page, shared_server: AppServer, project: Path, width: int, height: int, least: int
) -> None:
    """No empty band stands above the title, and so many rows are in sight without scrolling; with a sample open too."""
    page.set_viewport_size({"width": width, "height": height})
    page.goto(shared_server.link(f"/Explore?project={project.stem}"))
    counted(page, f"{SAMPLES} samples")
    title = page.get_by_role("heading", name="Explore", exact=True).bounding_box()
    assert title and title["y"] <= 24 and title["height"] <= 40
    expect(page.get_by_text(f"{project.stem} · curator")).to_be_visible()
    assert rows_in_sight(page) >= least
    row(page, "s3").click()
    expect(page.get_by_role("tab", name="Original")).to_be_visible()
    assert rows_in_sight(page) >= least
    table, sample = part(page, "table").bounding_box(), part(page, "sample").bounding_box()
    assert table and sample
    assert table["width"] >= 300 and sample["width"] >= 340
    assert sample["x"] + sample["width"] <= width and sample["y"] + sample["height"] <= height


def test_a_range_that_is_dragged_filters_and_survives_a_reload(
    page: Page, shared_server: AppServer, project: Path
) -> None:
    """A range dragged over the distribution of IFD becomes the filter, a chip says it, a reload keeps it, × ends it."""
    open_panel(page, shared_server.link(f"/Explore?project={project.stem}"), "Distributions")
    counted(page, f"{SAMPLES} samples")
    chart = keyed(page, "explore_ifd").locator(".nsewdrag").first
    chart.wait_for()
    wait_for_script(page)
    until_taken(page, lambda: drag_over_chart(page, chart, 0.25, 0.5))
    low, high = map(float, asked(page)["ifd"].split(","))
    inside = sum(low <= place / SAMPLES <= high for place in range(SAMPLES))
    assert 15 < inside < 45
    counted(page, f"{inside} of {SAMPLES}")
    page.reload()
    counted(page, f"{inside} of {SAMPLES}")
    part(page, "chips").get_by_role("button", name="Without: IFD").click()
    counted(page, f"{SAMPLES} samples")
    assert "ifd" not in asked(page)


def test_a_sample_is_opened_decided_and_found_again(page: Page, shared_server: AppServer, project: Path) -> None:
    """A row opens its sample, keys decide it once it is painted, a head sorts the whole set, and a reload finds it."""
    page.goto(shared_server.link(f"/Explore?project={project.stem}&page=2&curator=ann"))
    row(page, "s102").click()
    expect(part(page, "sample").get_by_text("#103")).to_be_visible()
    expect(page).to_have_url(re.compile("sample=s102"))
    expect(part(page, "sample").get_by_role("button", name="Keep Original")).to_be_visible()
    page.keyboard.press("1")
    expect(part(page, "sample").get_by_text("Saved: #103 Keep Original")).to_be_visible()
    expect(row(page, "s102")).to_contain_text("Kept by hand: Original")
    page.keyboard.press("Backspace")
    expect(part(page, "sample").get_by_text("Saved: #103 Undo")).to_be_visible()
    page.keyboard.press("x")
    expect(row(page, "s102")).to_contain_text("Left out")
    page.keyboard.press("ArrowDown")
    expect(part(page, "sample").get_by_text("#104")).to_be_visible()
    page.keyboard.press(" ")
    expect(row(page, "s103")).to_contain_text("Parked")
    with Store.open(as_killed(project)) as store:
        stands = store.rows("SELECT sample_id, action, author FROM standing ORDER BY sample_id")
        assert [tuple(each.values()) for each in stands] == [("s102", "reject", "ann"), ("s103", "park", "ann")]
    page.get_by_role("button", name="IFD", exact=True).click()
    expect(part(page, "table").locator("tbody tr").first).to_contain_text("0.00")
    page.get_by_role("button", name="IFD ↑", exact=True).click()
    expect(part(page, "table").locator("tbody tr").first.locator("td").first).to_have_text(str(SAMPLES))
    page.reload()
    expect(part(page, "sample").get_by_text("#104")).to_be_visible()
    expect(part(page, "table").locator("tbody tr").first.locator("td").first).to_have_text(str(SAMPLES))
    page.get_by_label("Search texts").fill("NO SUCH")
    page.keyboard.press("Enter")
    counted(page, f"0 of {SAMPLES}")
    expect(page.get_by_text("No sample matches.")).to_be_visible()


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
    expect(part(page, "count")).not_to_have_text(f"{SAMPLES} samples")
    first = asked(page)["task"]
    open_panel(page, address, "Coverage")
    table = coverage.locator("canvas").first
    table.wait_for()
    wait_for_script(page)
    until_taken(page, lambda: click_in_row(page, table, 1))
    assert asked(page)["task"] == first
    assert asked(page)["sort"] == "number"
