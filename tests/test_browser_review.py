"""The desk in a real browser: keys, focus, scroll and what is called saved."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from srt_core.project import candidates, events
from srt_core.project.events import EventFilter
from srt_core.project.store import Store
from srt_core.records import Origin
from srt_core.review import decisions
from tests.conftest import AppServer, StartApp, address_of, as_killed, until, wait_for_script
from tests.desk_browser import key, open_desk, part, wait_for_sample, wait_until_saved
from tests.rule_oracle import Case, Numbers
from tests.rule_project import create_project
from tests.small_project import create_scored_project, save_student

pytestmark = pytest.mark.browser

PRESSES = 18
"""Fewer than the samples that a browser has in hand, so that none waits for the server, however busy the machine is."""
CASE = Case({Origin.ORIGINAL: Numbers(0.5, 0.75), Origin.RESPONSE: Numbers(0.5, 0.5)})
EVIL = '<img src="http://198.51.100.7/a.png"><b>bold</b> ![x](http://198.51.100.7/b.png) $x$ :red[y]'

# Notes every sample that stood through a frame, and for every key press the sample that was on screen.
SPY = """
window.painted = []; window.pressedOn = [];
const roots = () => [...document.querySelectorAll('*')].map(each => each.shadowRoot).filter(Boolean);
const find = () => roots().find(root => root.querySelector('.desk'));
let root = null;
const shown = () => (root ??= find())?.querySelector('[data-part=copy-id]').textContent.split(' ').pop() || '';
const look = () => {
    const now = shown();
    if (now && window.painted.at(-1) !== now) window.painted.push(now);
    requestAnimationFrame(look);
};
window.addEventListener('keydown', () => window.pressedOn.push(shown()), true);
requestAnimationFrame(look);
"""


@pytest.fixture
def project(shared_server: AppServer, tmp_path: Path) -> Path:
    """A project of more samples than the test presses keys."""
    path = shared_server.projects_dir / f"{tmp_path.name}.srt"
    create_project(path, [CASE] * (PRESSES + 6)).close()
    return path


def spoil(project: Path, sql: str, *values: object) -> None:
    """Change the texts of a project that no server has open."""
    with Store.open(project) as store, store.transaction() as tx:
        tx.execute(sql, values)
        tx.bump()


@dataclass
class Wire:
    """The connection of a page to the app, on which what the app says can be held up."""

    is_held: bool = False
    held: list[str | bytes] = field(default_factory=list)
    page_end: WebSocketRoute | None = None

    def lay(self, route: WebSocketRoute) -> None:
        """Carry the messages of one connection."""
        self.page_end, app_end = route, route.connect_to_server()
        route.on_message(app_end.send)
        app_end.on_message(lambda message: self.held.append(message) if self.is_held else route.send(message))

    def release(self) -> None:
        """Hand over what was held up, in its order, and hold up nothing more."""
        assert self.page_end
        self.is_held = False
        for message in self.held:
            self.page_end.send(message)


def decided_samples(path: Path) -> list[str]:
    """The decided samples in the file, the first decision first."""
    with Store.open(path) as store:
        return [str(event.sample_id) for event in events.events(store, EventFilter(), limit=1000)][::-1]


def focused(page: Page) -> dict[str, Any]:
    """Which element has the focus, and where its cursor is."""
    found: dict[str, Any] = page.evaluate("""() => {
        let at = document.activeElement;
        while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
        return {name: at.name || at.className || at.tagName, cursor: at.selectionStart};
    }""")
    return found


@pytest.mark.parametrize("gap_milliseconds", [0, 30])
def test_a_burst_of_keys_decides_each_sample_that_was_painted_once(
    page: Page, shared_server: AppServer, project: Path, gap_milliseconds: int
) -> None:
    """However fast the presses come, each decides the next sample, in order: none dropped, none twice, none unseen."""
    page.add_init_script(SPY)
    open_desk(page, shared_server, project)
    for _ in range(PRESSES):
        page.keyboard.press("a")
        page.wait_for_timeout(gap_milliseconds)
    wait_for_sample(page, f"s{PRESSES}")
    wait_until_saved(page)
    assert decided_samples(as_killed(project)) == [f"s{place}" for place in range(PRESSES)]
    painted = page.evaluate("window.painted")
    assert painted == [f"s{place}" for place in range(PRESSES + 1)]


def test_what_the_screen_calls_saved_survives_a_kill(page: Page, app_server: StartApp, project: Path) -> None:
    """With nothing unsaved in the header every press is in the file; a key that is held down decides once."""
    server = app_server(project)
    open_desk(page, server, project)
    for place in range(3):
        page.keyboard.press("a")
        wait_for_sample(page, f"s{place + 1}")
    page.keyboard.down("x")
    page.keyboard.down("x")  # as a key that repeats
    page.keyboard.up("x")
    wait_for_sample(page, "s4")
    wait_until_saved(page)
    server.kill()
    assert decided_samples(project) == ["s0", "s1", "s2", "s3"]


def test_what_is_not_saved_is_counted_and_a_closed_tab_warns(
    page: Page, shared_server: AppServer, project: Path
) -> None:
    """While no answer comes the desk goes on, says how much is unsaved, and sends the rest when it can."""
    wire = Wire()
    page.route_web_socket("**/_stcore/stream", wire.lay)
    open_desk(page, shared_server, project)
    wait_for_script(page)
    wire.is_held = True
    for place in range(3):
        page.keyboard.press("x")
        wait_for_sample(page, f"s{place + 1}")
    expect(part(page, "place")).to_contain_text("3 unsaved")
    asks = "() => !window.dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    assert page.evaluate(asks)
    until(page, lambda: decided_samples(as_killed(project))[:1] == ["s0"])  # it is there, though nobody knows
    wire.release()
    wait_until_saved(page)
    assert not page.evaluate(asks)
    assert decided_samples(as_killed(project)) == ["s0", "s1", "s2"]


def test_reload_keeps_the_place_and_the_decisions(page: Page, shared_server: AppServer, project: Path) -> None:
    """Place and decisions live in the address and the file, not in the browser."""
    open_desk(page, shared_server, project, queue="closest")
    page.keyboard.press("x")
    wait_for_sample(page, "s1")
    expect(part(page, "place")).to_contain_text("23 open")
    page.wait_for_function("location.search.includes('sample=s1')")
    address = address_of(page)
    page.reload()
    wait_for_sample(page, "s1")
    expect(part(page, "place")).to_contain_text("23 open")
    assert address_of(page) == address
    assert "queue=closest" in address


def test_every_key_does_what_the_bar_says(page: Page, shared_server: AppServer, project: Path) -> None:
    """Digits, Space, Backspace, arrows and reasons work as keys; one that can do nothing says why in the bar."""
    open_desk(page, shared_server, project)
    assert key(page, "Keep Response").inner_text() == "AKeep Response"
    for pressed, sample in (("1", "s1"), (" ", "s2"), ("Backspace", "s1"), ("ArrowRight", "s2"), ("ArrowLeft", "s1")):
        page.keyboard.press(pressed)
        wait_for_sample(page, sample)
    page.keyboard.press("3")
    expect(part(page, "said")).to_have_text("There is no version Instruction of this sample.")
    page.keyboard.press("Shift+X")
    expect(part(page, "reasons")).to_contain_text("Leave out, because")
    page.keyboard.press("2")
    wait_for_sample(page, "s2")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    wait_for_sample(page, "s0")
    expect(part(page, "state")).to_contain_text("Kept by hand: Original, by curator")
    expect(part(page, "last")).to_have_text("last:2 left out1 kept by hand: original")
    page.keyboard.press("ArrowLeft")
    expect(part(page, "said")).to_have_text("This is the first sample of the queue.")
    wait_until_saved(page)
    with Store.open(as_killed(project)) as store:
        kept = [(each.action, each.sample_id) for each in decisions.last_decisions(store, "curator")]
        assert kept == [("reject", "s1"), ("choose", "s0")]
        assert store.value("SELECT context ->> 'because' FROM event ORDER BY event_id DESC LIMIT 1") == "Incomplete"


def test_keys_work_after_any_click_and_never_while_typing(page: Page, shared_server: AppServer, project: Path) -> None:
    """A mouse choice of queue or a name leaves the keys working; letters typed into a field decide nothing."""
    open_desk(page, shared_server, project)
    part(page, "queue").select_option("closest")
    page.wait_for_function("location.search.includes('queue=closest')")
    page.keyboard.press("x")
    wait_for_sample(page, "s1")
    wait_until_saved(page)
    wait_for_script(page)
    name = page.get_by_role("textbox", name="Your name")
    name.fill("Axa")
    name.press("Enter")
    page.wait_for_function("location.search.includes('curator=Axa')")
    wait_for_script(page)
    until(page, lambda: focused(page)["name"] == "desk")
    page.keyboard.press("x")
    wait_for_sample(page, "s2")
    for pressed, field_name, typed in (("n", "note", "xa1 check"), ("t", "tag", "ax")):
        page.keyboard.press(pressed)
        part(page, field_name).press_sequentially(typed)
        page.keyboard.press("Enter")
    expect(part(page, "tags")).to_contain_text("ax")
    page.keyboard.press("g")
    part(page, "go").press_sequentially("5")
    page.keyboard.press("Enter")
    wait_for_sample(page, "s4")
    part(page, "texts").click()
    page.keyboard.press("x")
    wait_for_sample(page, "s5")
    wait_until_saved(page)
    with Store.open(as_killed(project)) as store:
        rows = store.rows("SELECT author, kind, sample_id FROM event ORDER BY event_id")
    assert [tuple(row.values()) for row in rows] == [
        ("curator", "reject", "s0"), ("Axa", "reject", "s1"), ("Axa", "note", "s2"), ("Axa", "tag", "s2"),
        ("Axa", "reject", "s4"),
    ]  # fmt: skip


def test_an_edit_typed_ahead_is_saved(page: Page, shared_server: AppServer, project: Path) -> None:
    """Keys that come before their sample is painted are taken in their order, the one that saves an edit too."""
    open_desk(page, shared_server, project)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("e")
    page.keyboard.press("Control+s")
    wait_for_sample(page, "s2")
    wait_until_saved(page)
    with Store.open(as_killed(project)) as store:
        (kept,) = decisions.last_decisions(store, "curator")
    assert (kept.action, kept.sample_id) == ("edit", "s1")


def test_edit_in_place_with_a_draft_that_survives(page: Page, shared_server: AppServer, project: Path) -> None:
    """The cursor stands in the response; a draft outlives Esc and a reload; an empty response stays in its field."""
    open_desk(page, shared_server, project)
    page.keyboard.press("e")
    assert focused(page)["name"] == "response" and focused(page)["cursor"] == len("Done.")
    page.keyboard.type(" axa1")
    page.keyboard.press("Escape")
    wait_for_sample(page, "s0")
    expect(key(page, "Edit the draft")).to_be_visible()
    page.keyboard.press("ArrowRight")
    wait_for_sample(page, "s1")
    page.keyboard.press("e")
    expect(page.get_by_role("textbox", name="Response")).to_have_value("Done.")
    page.get_by_role("textbox", name="Response").fill("")
    page.keyboard.press("Control+s")
    expect(part(page, "said")).to_contain_text("needs an instruction and a response")
    page.keyboard.type("Half")
    until(page, lambda: _drafts(project) == [("s0", "Done. axa1"), ("s1", "Half")])
    page.wait_for_function("location.search.includes('sample=s1')")
    page.reload()
    wait_for_sample(page, "s1")
    page.keyboard.press("ArrowLeft")
    wait_for_sample(page, "s0")
    page.keyboard.press("e")
    page.keyboard.press("Control+Enter")
    wait_for_sample(page, "s1")
    wait_until_saved(page)
    with Store.open(as_killed(project)) as store:
        (kept,) = decisions.last_decisions(store, "curator")
        edited = candidates.edit(store, kept.event_id)
    assert (kept.action, kept.sample_id) == ("edit", "s0")
    assert edited and edited.pair.response == "Done. axa1"
    assert _drafts(project) == [("s1", "Half")]


def _drafts(project: Path) -> list[tuple[Any, ...]]:
    with Store.open(as_killed(project)) as store:
        return [tuple(row.values()) for row in store.rows("SELECT sample_id, response FROM draft ORDER BY sample_id")]


@pytest.mark.parametrize(("width", "height", "lowest"), [(1440, 900, 140), (1024, 768, 160)])
def test_texts_begin_high_and_each_sample_at_its_top(
    page: Page, shared_server: AppServer, project: Path, width: int, height: int, lowest: int
) -> None:
    """The texts have the room, the bar is in view, and a sample that was scrolled does not scroll the next."""
    spoil(project, "UPDATE candidate SET response = repeat('A line.\n', 300)")
    page.set_viewport_size({"width": width, "height": height})
    open_desk(page, shared_server, project)
    assert page.locator(".text").first.evaluate("each => each.getBoundingClientRect().top") <= lowest
    assert part(page, "keys").evaluate("each => each.getBoundingClientRect().bottom") <= height
    page.keyboard.press("a")
    page.keyboard.press("ArrowLeft")
    wait_until_saved(page)
    for header in (".head", ".head .place", ".pane:last-child > header"):
        assert page.locator(header).evaluate("each => each.scrollWidth <= each.clientWidth"), header
    body = page.locator(".pane .body").last
    body.evaluate("each => each.scrollTo(0, 2000)")
    page.keyboard.press("a")
    wait_for_sample(page, "s1")
    assert page.locator(".pane .body").last.evaluate("each => each.scrollTop") == 0
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop") == 0


def test_the_difference_is_marked_and_is_no_part_of_the_text(
    page: Page, shared_server: AppServer, project: Path
) -> None:
    """Split first, with blank lines signed; D turns to one text, then to the new one; markup of the data stays text."""
    spoil(project, "UPDATE candidate SET response = 'One two. Three four five ' || ? WHERE origin = 'ORIGINAL'", EVIL)
    spoil(project, "UPDATE candidate SET response = 'One two.\n\nThree four six ' || ? WHERE origin = 'RESPONSE'", EVIL)
    open_desk(page, shared_server, project)
    texts = page.locator(".pane .text")
    assert texts.nth(1).text_content() == f"One two. Three four five {EVIL}"
    assert texts.nth(3).text_content() == f"One two.\n\nThree four six {EVIL}"
    assert page.locator("ins .line").count() == 2
    assert page.locator(".pane del").all_text_contents() == [" ", "five"]
    page.keyboard.press("d")
    expect(page.locator(".pane")).to_have_count(1)
    assert page.locator(".pane .text").nth(1).text_content() == f"One two. \n\nThree four fivesix {EVIL}"
    page.keyboard.press("d")
    expect(page.locator(".pane ins")).to_have_count(0)
    assert page.locator(".pane .text").nth(1).text_content() == f"One two.\n\nThree four six {EVIL}"


def test_what_is_true_of_several_parts_is_said_once(page: Page, shared_server: AppServer, project: Path) -> None:
    """Little is alike in two parts: one note, on the new side; a part that one side alone has is none on the other."""
    spoil(project, "UPDATE candidate SET instruction = 'What?', input = 'A long one.' WHERE origin = 'RESPONSE'")
    spoil(project, "UPDATE candidate SET response = 'Ever so much said.' WHERE origin = 'RESPONSE'")
    open_desk(page, shared_server, project)
    expect(page.locator(".pane").first.locator(".label")).to_have_text(["Instruction", "Input · none", "Response"])
    note = "Instruction · little is alike, also in the response, so nothing is marked"
    expect(page.locator(".pane").last.locator(".label")).to_have_text([note, "Input", "Response"])


def test_a_longer_original_is_cut_with_a_word(page: Page, shared_server: AppServer, project: Path) -> None:
    """The side of the original says how much there is of the original, also where its rewrite is shown whole."""
    spoil(project, "UPDATE candidate SET response = repeat('word ', 3_000)")
    spoil(project, "UPDATE candidate SET response = repeat('word ', 5_000) WHERE origin = 'ORIGINAL'")
    open_desk(page, shared_server, project)
    expect(page.locator(".cut")).to_contain_text(["The first 20,000 of 25,000 characters."])
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".cut")).to_have_count(0)
    assert page.locator(".pane").first.locator(".text").last.evaluate("each => each.textContent.length") == 25_000


def test_a_text_of_a_megabyte_is_cut_until_it_is_asked_for(page: Page, shared_server: AppServer, project: Path) -> None:
    """The desk shows its beginning and how much there is, then all of it, and the keys go on."""
    spoil(project, "UPDATE candidate SET response = repeat('word ', 200_000) WHERE sample_id = 's0'")
    open_desk(page, shared_server, project)
    expect(page.locator(".cut").last).to_contain_text("The first 20,000 of 1,000,000 characters.")
    page.get_by_role("button", name="Show all").last.click()
    expect(page.locator(".cut")).to_have_count(0)
    assert page.locator(".pane .text").last.evaluate("each => each.textContent.length") == 1_000_000
    page.keyboard.press("x")
    wait_for_sample(page, "s1")


def test_the_desk_is_named_for_those_who_hear_it(page: Page, shared_server: AppServer, project: Path) -> None:
    """Every control has a name, the regions are named, and what a key did is announced."""
    open_desk(page, shared_server, project)
    for role, name in (("region", "Review"), ("region", "Response: its texts"), ("toolbar", "Keys"),
                       ("combobox", "Queue"), ("textbox", "Find in this queue")):  # fmt: skip
        assert page.get_by_role(role, name=name, exact=True).count() == 1, name  # type: ignore[arg-type]
    unnamed = page.locator(".desk").evaluate(
        """desk => [...desk.querySelectorAll('button, input, select')]
            .filter(each => !(each.textContent.trim() || each.getAttribute('aria-label') || each.closest('label')))
            .map(each => each.outerHTML)"""
    )
    assert [each for each in unnamed if "copy-id" not in each] == []
    assert part(page, "said").get_attribute("aria-live") == "polite"
    page.keyboard.press("h")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


def create_with_losses(server: AppServer, folder: Path) -> tuple[Path, list[str]]:
    """Create a scored project of hostile responses; return its file and its samples, in order."""
    path = server.projects_dir / f"{folder.name}.srt"
    create_scored_project(path, save_student(folder / "student"), 4).close()
    with Store.open(path) as store, store.transaction() as tx:
        tx.execute("UPDATE candidate SET response = response || ? WHERE origin = 'ORIGINAL'", [EVIL])
        return path, [name for (name,) in tx.execute("SELECT sample_id FROM sample ORDER BY seq")]


def test_token_losses_show_and_keys_go_on(page: Page, shared_server: AppServer, tmp_path: Path) -> None:
    """The button draws coloured pieces with their numbers; the next sample shows its own; keys go on meanwhile."""
    path, names = create_with_losses(shared_server, tmp_path)
    open_desk(page, shared_server, path)
    page.get_by_role("button", name="Token losses").click()
    page.get_by_role("button", name="Show token losses").click()
    page.keyboard.press("ArrowRight")  # the job of the first sample runs on
    wait_for_sample(page, names[1])
    page.keyboard.press("ArrowLeft")
    wait_for_sample(page, names[0])
    pieces = page.locator("span[title*=easier], span[title*=harder]")
    pieces.first.wait_for()
    painted = page.locator(".scale .piece").evaluate_all("all => all.map((e) => getComputedStyle(e).backgroundColor)")
    assert len(set(painted)) == len(painted) > 1, "each strength has its own colour"
    assert EVIL in str(part(page, "drawer").text_content())
    for name in names[1:3]:
        page.keyboard.press("x")
        wait_for_sample(page, name)
        expect(part(page, "drawer")).to_contain_text(re.compile("Once the instruction is known|too short"))
        pieces.first.wait_for()
    wait_until_saved(page)
    assert [each for each in decided_samples(as_killed(path)) if each in names] == names[:2]


# Two desks, zoom, directions


def test_two_tabs_of_one_person_and_two_people_decide_side_by_side(
    browser: Browser, page: Page, shared_server: AppServer, project: Path
) -> None:
    """Each tab has its own presses; what another decided meanwhile is refused or said before a key decides it anew."""
    first, second = page, page.context.new_page()
    open_desk(first, shared_server, project)
    open_desk(second, shared_server, project)
    first.bring_to_front()
    first.keyboard.press("a")
    wait_for_sample(first, "s1")
    wait_until_saved(first)
    second.bring_to_front()
    second.keyboard.press("x")  # on s0, which the other tab decided since
    expect(part(second, "notice")).to_contain_text("Not saved. Sample s0 was decided meanwhile: kept by curator.")
    wait_for_sample(second, "s0")
    second.keyboard.press("a")  # while the notice is new a key decides nothing
    expect(part(second, "said")).to_have_text("Read why this one came back first.")
    second.keyboard.press("ArrowRight")
    wait_for_sample(second, "s1")
    second.keyboard.press("x")
    wait_for_sample(second, "s2")
    wait_until_saved(second)
    with browser.new_context() as context:
        other = context.new_page()
        open_desk(other, shared_server, project, curator="Bo", sample="s2")
        other.keyboard.press("x")
        wait_for_sample(other, "s3")
        wait_until_saved(other)
        first.bring_to_front()
        first.keyboard.press("ArrowRight")
        wait_for_sample(first, "s2")
        expect(part(first, "notice")).to_contain_text("Meanwhile: Left out, by Bo")
        expect(part(first, "state")).to_contain_text("Left out, by Bo")
        for pressed, name in (("ArrowLeft", "s1"), ("ArrowRight", "s2")):  # seen, and come back to
            first.keyboard.press(pressed)
            wait_for_sample(first, name)
        first.keyboard.press("2")
        wait_for_sample(first, "s3")
        wait_until_saved(first)
        other.keyboard.press("Backspace")  # one's own last decision, upon which somebody else decided
        wait_for_sample(other, "s2")
        expect(part(other, "state")).to_contain_text("Kept: Response, by curator")
        wait_until_saved(other)
    with Store.open(as_killed(project)) as store:
        rows = store.rows("SELECT author, kind, sample_id FROM event WHERE is_decision(kind) ORDER BY event_id")
        stands = {row["sample_id"]: (row["author"], row["action"]) for row in store.rows("FROM standing")}
    assert [tuple(row.values()) for row in rows] == [
        ("curator", "approve", "s0"), ("curator", "reject", "s1"), ("Bo", "reject", "s2"), ("curator", "approve", "s2"),
    ]  # fmt: skip
    assert stands["s2"] == ("curator", "approve")


REACHABLE = """() => {
    const roots = [...document.querySelectorAll('*')].map(each => each.shadowRoot);
    const root = roots.find(each => each?.querySelector('.desk'));
    return [...root.querySelectorAll('button, input, select, .pane .body, [data-part=rule]')]
        .filter(each => each.getClientRects().length)
        .filter(each => {
            each.scrollIntoView({ block: 'nearest', inline: 'nearest' });
            const box = each.getBoundingClientRect();
            return box.left < -1 || box.right > innerWidth + 1 || box.top < -1 || box.bottom > innerHeight + 1
                && box.height < innerHeight;
        }).map(each => (each.getAttribute('aria-label') || each.textContent || each.className).slice(0, 30));
}"""


def test_at_200_percent_everything_is_reached_and_the_keys_work(
    page: Page, shared_server: AppServer, project: Path
) -> None:
    """At twice the size on a window of 1440 by 900 no control is cut off, the texts have room, and keys go on."""
    page.set_viewport_size({"width": 720, "height": 450})  # what a window of 1440 by 900 has at 200 %
    open_desk(page, shared_server, project)
    assert page.evaluate(REACHABLE) == []
    assert page.locator(".pane .body").first.evaluate("each => each.clientHeight") >= 60
    page.keyboard.press("a")
    wait_for_sample(page, "s1")
    for name in ("e", "Escape", "Shift+X", "Escape", "h", "Escape"):
        page.keyboard.press(name)
    page.get_by_role("button", name="History").click()
    expect(part(page, "drawer")).to_be_visible()
    assert page.evaluate(REACHABLE) == []
    page.keyboard.press("x")
    wait_for_sample(page, "s2")


def test_text_from_right_to_left_stands_so_and_the_whole_desk_is_worked_by_keyboard(
    page: Page, shared_server: AppServer, project: Path
) -> None:
    """Each paragraph has its own direction, in edits too; Tab reaches every control; with Ctrl a digit is no key."""
    hebrew = "שלום world, 12.\nSecond line."
    spoil(project, "UPDATE candidate SET response = ? WHERE origin = 'RESPONSE'", hebrew)
    open_desk(page, shared_server, project)
    response = page.locator(".pane .text").last
    assert response.text_content() == hebrew
    assert response.evaluate("each => getComputedStyle(each).direction") == "rtl"
    assert response.evaluate("each => getComputedStyle(each).unicodeBidi") == "plaintext"
    for pressed in ("Control+1", "Control+x", "Alt+1", "Meta+a", "Control+ArrowRight"):
        page.keyboard.press(pressed)
    wait_for_sample(page, "s0")
    assert page.evaluate("window.srtUnsaved && [...window.srtUnsaved.values()].flat().length || 0") == 0
    page.keyboard.press("e")
    field = page.get_by_role("textbox", name="Response")
    assert field.evaluate("each => getComputedStyle(each).direction") == "rtl"
    page.keyboard.press("Escape")
    part(page, "queue").focus()
    reached: list[str] = []
    for _ in range(70):
        page.keyboard.press("Tab")
        reached.append(str(page.evaluate("""() => {
            let at = document.activeElement;
            while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
            return at.getAttribute('aria-label') || at.textContent.trim();
        }""")))  # fmt: skip
    for wanted in (
        "Go to a number or id", "Find in this queue", "why", "2Response ●", "Original: its texts",
        "Response: its texts",
        "Markdown", "Smaller text", "Critique", "Note on this sample", "Put a tag on this sample", "AKeep Response",
        "XLeave out", "SpacePark", "The next sample",
    ):  # fmt: skip
        assert wanted in reached, (wanted, reached)
    tree = page.locator(".desk").aria_snapshot()
    for line in (
        'region "Review"', 'combobox "Queue"', "status",
        'group "Version on screen"', 'button "2Response ●" [pressed]',
        'region "Response: its texts"', 'toolbar "Keys"', 'textbox "Note on this sample"',
    ):  # fmt: skip
        assert line in tree, (line, tree)
    page.get_by_role("button", name="Park").focus()
    page.keyboard.press("Enter")
    wait_for_sample(page, "s1")
    wait_until_saved(page)
    assert decided_samples(as_killed(project)) == ["s0"]
