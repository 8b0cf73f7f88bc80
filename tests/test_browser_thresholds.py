"""Thresholds in a real browser: a slider moved in a hurry ends where the hand left it."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from srt_core.records import Origin
from tests.conftest import StartApp, wait_for_script
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project

pytestmark = pytest.mark.browser

PRESSES = 10


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Samples whose response is kept, with an r-IFD from 0.505 to 0.995 in steps of a hundredth."""
    path = tmp_path / "thresholds.srt"
    cases = [
        Case({Origin.ORIGINAL: Numbers(0.5, 1.5), Origin.RESPONSE: Numbers(0.5, 0.505 + place / 100)})
        for place in range(50)
    ]
    create_project(path, cases).close()
    return path


@pytest.mark.parametrize("gap_milliseconds", [0, 60])
def test_a_burst_on_a_slider_loses_no_step(
    page: Page, app_server: StartApp, project: Path, gap_milliseconds: int
) -> None:
    """However fast a slider is moved, dial, count and address end at its last place."""
    server = app_server(project)
    page.goto(f"{server.url}/Thresholds")
    kept = page.get_by_test_id("stMetric").filter(has_text="Samples kept").get_by_test_id("stMetricValue")
    expect(kept).to_have_text("50", timeout=20_000)
    wait_for_script(page)
    slider = page.locator("[class*=st-key-dial_max_r_ifd_slider] input[type=range]")
    slider.focus()
    for _ in range(PRESSES):
        slider.press("ArrowLeft")
        page.wait_for_timeout(gap_milliseconds)
    expect(kept).to_have_text(str(50 - PRESSES), timeout=20_000)
    wait_for_script(page)
    expect(slider).to_have_value(f"{1 - PRESSES / 100:g}")
    assert "max_r_ifd" in page.url
    page.reload()
    expect(kept).to_have_text(str(50 - PRESSES), timeout=20_000)
