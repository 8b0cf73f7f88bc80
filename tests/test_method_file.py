"""A method is one file: what it brings shows everywhere while the file is there, and nowhere when it is gone."""

import json

import pytest

from srt_core.ui.frame.navigation import PAGES
from tests.house import House

PAIRS = [
    {"instruction": "Name a colour.", "input": "", "output": "Red. It is the colour of roses."},
    {"instruction": "Name a bird.", "input": "", "output": "A wren sings near the old house. It is small."},
    {"instruction": "Say yes.", "input": "", "output": "Yes"},
]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Three pairs, rewritten, measured and selected by the method that is one file."""
    house = House(tmp_path_factory.mktemp("house"), "brevity.py")
    (house.folder / "pairs.json").write_text(json.dumps(PAIRS), encoding="utf-8")
    house.srt("init")
    house.srt("import", str(house.folder / "pairs.json"))
    house.srt("rewrite")
    house.srt("measure")
    house.srt("select", "--preset", "brevity")
    return house


def test_the_command_line_runs_it(house: House) -> None:
    """Its rewriter and its measure are steps' work, its guard and its limit are the policy's."""
    assert "first sentence, version 1: 2 rewrites" in house.srt("rewrite")
    assert "Words: 5 ok" in house.srt("measure")
    said = house.srt("select", "--set", "max_words=3")
    assert "reason kept: 2" in said
    assert "reason too_wordy: 1" in said
    assert "reason kept: 3" in house.srt("select", "--set", "max_words=8")
    assert "reason kept: 2" in house.srt("select", "--preset", "brevity")


ASK = """
import json, os
from pathlib import Path
from srt_core.project.store import Store
from srt_core.review.filter.facets import count, count_in_bins
from srt_core.review.filter.filter import Filter
from srt_core.review.filter.page import SORTS, read_page
from srt_core.ui.sample.summary import read_sample
with Store.open(Path(os.environ["SRT_PROJECT"])) as store:
    wordy = Filter(winner_ranges=(("words", 5.0, 9.0),))
    found = {
        "filtered": [each.seq for each in read_page(store, wordy, "number", 9, 0)],
        "open": count(store, Filter(reason=("too_wordy",))),
        "histogram": {str(each): bins for each, bins in count_in_bins(store, "words", [0, 5, 10], Filter()).items()},
        "sorted": [each.seq for each in read_page(store, Filter(), "words of the winner, high first", 9, 0)],
        "said": read_sample(store, read_page(store, wordy, "number", 9, 0)[0].sample_id).walk(),
    }
print(json.dumps(found))
"""


def test_filters_orders_histograms_and_reasons_know_it(house: House) -> None:
    """A filter bounds the measure, an order and a histogram are by it, and Review says which limit was missed."""
    found = house.ask(ASK)
    assert isinstance(found, dict)
    assert found["filtered"] == [2]
    assert found["open"] == 1
    assert found["histogram"] == {"ORIGINAL": [1, 2], "RESPONSE": [1, 1], "INSTRUCTION": [0, 0], "BOTH": [0, 0]}
    assert found["sorted"][0] == 2
    assert found["said"][-1] == "Left out: its words of 7.00 is above the limit of 4.00."


LOOK = """
import json
from streamlit.testing.v1 import AppTest
page = AppTest.from_file("app.py", default_timeout=120)
page.switch_page("PAGE")
page.run()
texts = [str(each.value) for each in (*page.markdown, *page.text, *page.caption)]
labels = [each.label for kind in ("slider", "toggle", "selectbox") for each in page.get(kind)]
told = [each.proto.json for each in page.get("bidi_component")]
options = [str(option) for each in page.selectbox for option in each.options]
print(json.dumps({"errors": [each.value for each in page.exception], "seen": texts + labels + options + told}))
"""


@pytest.mark.parametrize(
    ("page", "seen"),
    [("5_Thresholds.py", ["Most words", "Brevity"]), ("4_Explore.py", ["words of the winner, high first"])],
)
def test_the_screens_show_it(house: House, page: str, seen: list[str]) -> None:
    """Thresholds offers the method and its limit, Explore the order by its measure."""
    found = house.ask(LOOK.replace("PAGE", f"pages/{page}"))
    assert isinstance(found, dict)
    assert found["errors"] == []
    for text in seen:
        assert any(text.lower() in each.lower() for each in found["seen"]), text


def test_exports_carry_it(house: House) -> None:
    """Every version has the measure beside its scores, and the manifest the limit."""
    house.srt("export", str(house.folder / "out"), "--format", "scores")
    lines = [json.loads(line) for line in (house.folder / "out" / "scores.jsonl").read_text("utf-8").splitlines()]
    assert [line["words"] for line in lines if line["origin"] == "RESPONSE"] == [1, 7]
    manifest = json.loads((house.folder / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["policy"]["max_words"] == 4


REPLACE = """
import json
from pathlib import Path
from streamlit.testing.v1 import AppTest
said = {}
for name in ("app.py", *sorted(f"pages/{each.name}" for each in Path("pages").glob("*.py"))):
    page = AppTest.from_file("app.py", default_timeout=120)
    if name != "app.py":
        page.switch_page(name)
    page.run()
    said[name] = [each.value for each in (*page.exception, *page.text, *page.markdown)]
page = AppTest.from_file("app.py", default_timeout=120).run()
page.selectbox(key="preset").select("reflection-tuning-v1").run()
page.button(key="use_preset").click().run()
found = {
    "said": said,
    "left": [each.label for each in page.button],
    "kept": [each.value for each in page.metric if each.label == "Selected"],
}
print(json.dumps(found))
"""


def test_it_is_gone_with_its_file(house: House) -> None:
    """Without the file every page says which policy cannot be used and offers a preset; then the project goes on."""
    house.methods[0].unlink()
    message = "The policy in use, brevity, cannot be applied here: There is no method brevity."
    status = house.python("-m", "srt_core", "status", str(house.project))
    assert status.returncode == 2
    assert message in status.stderr
    assert "srt select PROJECT --preset selective-code" in status.stderr
    select = house.python("-m", "srt_core", "select", str(house.project), "--preset", "brevity")
    assert select.returncode == 2
    assert "There is no policy brevity." in select.stderr
    found = house.ask(REPLACE)
    assert isinstance(found, dict)
    assert found["said"].keys() == PAGES.keys()
    for page, said in found["said"].items():
        assert message in said, page
        assert not [each for each in said if "did not work" in each], page
    assert "Use this policy" not in found["left"]
    assert found["kept"] == ["2"]
    house.srt("export", str(house.folder / "after"), "--format", "scores")
    assert '"words"' not in (house.folder / "after" / "scores.jsonl").read_text("utf-8")
    assert "reason kept: 2" in house.srt("select")
