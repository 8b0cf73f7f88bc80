"""The desk of Review in a real browser: open it, and wait for the states that it shows."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.conftest import AppServer


def open_desk(page: Page, server: AppServer, project: Path, **query: object) -> None:
    """Open Review on a project and wait for its first sample."""
    told = {"project": project.stem, "queue": "all", **query}
    page.goto(server.link(f"/Review?{'&'.join(f'{name}={value}' for name, value in told.items())}"))
    part(page, "keys").get_by_role("button").first.wait_for()


def part(page: Page, name: str) -> Locator:
    """A part of the desk by its name."""
    return page.locator(f"[data-part={name}]")


def wait_for_sample(page: Page, name: str) -> None:
    """Wait until a sample is on screen."""
    expect(part(page, "copy-id")).to_have_text(re.compile(rf" {name}$"))


def wait_until_saved(page: Page) -> None:
    """Wait until the header counts nothing that is not saved."""
    expect(part(page, "place")).not_to_contain_text("unsaved")


def key(page: Page, name: str) -> Locator:
    """The button of the bar that says what a key will do."""
    return part(page, "keys").get_by_role("button", name=name)
