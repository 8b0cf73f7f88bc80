"""What a sample is about: the table of tasks on pairs typed by hand, languages, and the two kinds that matter most."""

import json
from pathlib import Path

import pytest

from srt_core.importing.kinds import UNKNOWN, TaskType, kind_of, task_of
from srt_core.importing.kinds.languages import identify
from srt_core.records import Pair

TEXT = "The cat sat on the mat while the rain fell on the roof of the old house."
LONG_INPUT = "In 1990 the company moved to Oslo. It now has 40 employees and sells boats to Sweden and Finland."

ASKED: dict[TaskType, list[Pair]] = {
    TaskType.MATHEMATICS: [
        Pair("Calculate the area of a triangle with base 4 and height 3.", "6"),
        Pair("What is 15% of 80?", "12"),
        Pair("Solve for x", "2", "3x + 4 = 10"),
        Pair("Find the sum of these numbers.", "6", "1, 2 and 3"),
        Pair("Convert 10 miles to kilometers.", "16.09"),
        Pair("Find the next number in the sequence: 2, 4, 8", "16"),
        Pair(r"Evaluate $\int_0^1 x^2 \, dx$.", "1/3"),
        Pair("Prove that the square root of 2 is irrational.", "Suppose it is not."),
        Pair("Tom has 5 apples and buys 7 more. How many apples does he have?", "12"),
        Pair("Could you please compute the median of the data?", "4", "1, 4, 9"),
        Pair("What is the derivative of sin(x)?", "cos(x)"),
        Pair("Was ist 7 + 8?", "15"),
    ],
    TaskType.CODE: [
        Pair("Write a Python function that reverses a string.", "def f(s):\n    return s[::-1]"),
        Pair("Write a SQL query that counts users.", "SELECT count(*) FROM users;"),
        Pair("Implement quicksort in Rust.", "It picks a pivot."),
        Pair("Design an algorithm to find duplicates in a list", "Sort it first."),
        Pair("Explain what this does.", "It prints.", "for (int i = 0; i < 3; i++) {\n  puts(x);\n}"),
        Pair("Fix this bug", "```\nx = 1\n```"),
        Pair("How do I center a div in CSS?", "Use flexbox."),
        Pair("Generate a web page for a bakery", "<!DOCTYPE html>\n<html>\n</html>"),
        Pair("Schreibe eine Funktion, die addiert", "def add(a, b):\n    return a + b"),
    ],
    TaskType.TRANSLATION: [
        Pair("Translate the sentence into French.", "Bonjour.", "Good morning."),
        Pair("How do you say thank you in Japanese?", "Arigatou."),
    ],
    TaskType.CLASSIFICATION: [
        Pair("Classify the review as positive or negative.", "Positive", "I loved it."),
        Pair("Determine whether the statement is true.", "True", "Water is wet."),
        Pair("Identify the tone of the given sentence.", "Angry", "Get out now!"),
    ],
    TaskType.EXTRACTION: [
        Pair("Extract the names of the countries.", "Sweden, Finland", LONG_INPUT),
        Pair("Find all the verbs in the sentence.", "sat, fell", TEXT),
    ],
    TaskType.SUMMARISING: [
        Pair("Summarize the article in one sentence.", "A firm moved.", LONG_INPUT),
        Pair("Write a short summary of the passage", "A firm moved.", LONG_INPUT),
    ],
    TaskType.REWRITING: [
        Pair("Rewrite the sentence in the passive voice.", "The mat was sat on.", TEXT),
        Pair("Correct the grammar of this sentence.", "I swam.", "I swimmed."),
        Pair("Given a paragraph, make it more formal", "Dear Sir", TEXT),
    ],
    TaskType.CREATIVE_WRITING: [
        Pair("Write a short story about a dragon in 200 words.", "Once"),
        Pair("Compose a poem of 12 lines", "The sky"),
        Pair("Come up with a slogan for a bakery", "Rise!"),
        Pair("Write a script for a horror movie", "INT. HOUSE"),
    ],
    TaskType.IDEAS: [
        Pair("List five benefits of sleep.", "1. Rest"),
        Pair("Suggest three activities for a rainy day", "1. Read"),
        Pair("Give me some tips for saving money", "1. Save"),
        Pair("Create an exercise program for a beginner", "Monday: run"),
    ],
    TaskType.CLOSED_QUESTION: [Pair("Where is the company now?", "Oslo", LONG_INPUT)],
    TaskType.OPEN_QUESTION: [
        Pair("What is the capital of France?", "Paris"),
        Pair("Explain how photosynthesis works.", "Plants take light."),
        Pair("How many planets are in the solar system?", "8"),
        Pair("What are the major components of the Java programming language?", "The JVM."),
        Pair("What happened in 1914 - 1918?", "A war."),
    ],
    TaskType.OTHER: [Pair("Hello there", "Hi"), Pair("Пожалуйста, помоги мне с домом", "Да")],
}


@pytest.mark.parametrize(
    ("task", "pair"), [(task, pair) for task, pairs in ASKED.items() for pair in pairs], ids=lambda item: str(item)[:60]
)
def test_a_task_is_read_from_what_is_asked(task: TaskType, pair: Pair) -> None:
    """The first row of the table that fits a pair names its task."""
    assert task_of(pair) is task


def test_every_task_is_in_the_examples() -> None:
    """No task goes untried."""
    assert set(ASKED) == set(TaskType)


@pytest.mark.parametrize("nothing", ["", "No input", "<noinput>", "none", "N/A", "Not applicable."])
def test_an_input_that_says_there_is_none_is_none(nothing: str) -> None:
    """What files write in place of an empty input is no text to work on."""
    assert task_of(Pair("Describe the sea.", "It is blue.", nothing)) is TaskType.OPEN_QUESTION


def test_an_instruction_in_the_input_column_is_read_there() -> None:
    """A row whose instruction is empty asks by its input."""
    assert task_of(Pair("", "6", "Calculate 2 * 3")) is TaskType.MATHEMATICS


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "Write a poem about autumn and the rain that falls on the roof."),
        ("de", "Schreibe ein Gedicht über den Herbst. Die Blätter fallen leise vom Baum."),
        ("fr", "Écris un court poème sur l'automne et la pluie qui tombe sur le toit."),
        ("es", "Escribe un poema sobre el otoño y la lluvia que cae sobre el tejado de la casa."),
        ("ru", "Напиши стихотворение об осени и о дожде, который падает на крышу нашего старого дома."),
        ("ar", "اكتب قصيدة قصيرة عن الخريف والمطر الذي يسقط على سطح البيت القديم في القرية"),
        ("zh", "请写一首关于秋天和落在屋顶上的雨的短诗，要有四行。"),
        ("ja", "秋についての短い詩を書いてください。"),
        ("ko", "가을에 대한 짧은 시를 써 주세요."),
        ("hi", "पतझड़ और छत पर गिरने वाली बारिश के बारे में एक छोटी कविता लिखो।"),
    ],
)
def test_languages_are_told_apart(code: str, text: str) -> None:
    """A sentence has its language's ISO code."""
    assert identify(text) == code


@pytest.mark.parametrize("text", ["", "ok", "2 + 2 = 4", "Blue", "🙂🙂🙂", "x" * 300, "\u200b\u202e", "\ud800 broken"])
def test_what_is_too_short_has_no_language(text: str) -> None:
    """A few letters, numbers and signs are no language; nothing in them breaks the reading."""
    assert identify(text) == UNKNOWN


def test_any_text_has_a_kind() -> None:
    """Markup, 100,000 characters and broken characters are read in time and without an error."""
    for hostile in (
        "<script>alert(1)</script>",
        "$" * 100_000,
        "a, " * 50_000,
        "\ud800\x00",
        "given " * 20_000,
        "(" * 99,
    ):
        kind = kind_of(Pair(hostile, hostile, hostile))
        assert kind.task in TaskType
        assert kind.language


# Read by eye: every pair of the two files that a generous search for words of code and mathematics found. Numbers are
# places in the files. What may count either way is in neither.
CODE = {
    83, 90, 106, 107, 196, 226, 271, 344, 380, 386, 447, 479, 501, 653, 776, 932, 938, 972, 1015, 1043, 1052, 1077,
    1093, 1153, 1158, 1178, 1228, 1302, 1570, 1632, 1727, 1732, 1743, 1805, 1814, 1858, 1972, 2036, 2067, 2082,
    2092, 2259, 2261, 2262, 2325, 2445, 2566, 2572, 2589, 2605, 2631, 2663, 2686, 2770, 2772, 2802, 2997, 3010,
    3034,
}  # fmt: skip
NO_CODE = {
    104, 108, 139, 140, 207, 238, 275, 315, 421, 445, 471, 480, 590, 630, 651, 780, 957, 1010, 1029, 1036, 1081,
    1149, 1393, 1735, 1936, 1981, 2136, 2244, 2354, 2437, 2677, 2699, 2995,
}  # fmt: skip
MATHS = {
    7, 24, 27, 40, 61, 62, 63, 84, 85, 91, 137, 141, 168, 175, 178, 190, 192, 200, 229, 230, 233, 243, 304, 342,
    358, 362, 369, 371, 388, 394, 406, 413, 415, 421, 425, 431, 475, 485, 496, 497, 506, 509, 511, 541, 551, 582,
    616, 633, 636, 666, 672, 708, 711, 741, 743, 753, 754, 795, 800, 817, 846, 849, 852, 855, 886, 898, 919, 925,
    935, 943, 944, 947, 953, 975, 986, 992, 998, 1043, 1054, 1062, 1069, 1080, 1084, 1095, 1096, 1098, 1108, 1109,
    1116, 1122, 1132, 1134, 1142, 1160, 1171, 1207, 1222, 1223, 1245, 1250, 1253, 1258, 1288, 1297, 1299, 1316,
    1320, 1329, 1338, 1351, 1368, 1387, 1411, 1417, 1425, 1429, 1441, 1452, 1499,
}  # fmt: skip
NO_MATHS = {
    54, 72, 156, 194, 292, 601, 603, 632, 657, 689, 709, 862, 940, 982, 1010, 1032, 1038, 1078, 1129, 1179, 1187,
    1226, 1403, 1432,
}  # fmt: skip


@pytest.mark.parametrize(
    ("file", "task", "right", "wrong"),
    [
        ("alpaca_cherry_5_percent.json", TaskType.CODE, CODE, NO_CODE),
        ("expert_revisions.json", TaskType.MATHEMATICS, MATHS, NO_MATHS),
    ],
)
def test_code_and_mathematics_are_found_in_real_data(
    shared_dir: Path, file: str, task: TaskType, right: set[int], wrong: set[int]
) -> None:
    """Of what was read by eye at least 95 in 100 are found, and at most one in ten of the look-alikes is taken."""
    rows = json.loads((shared_dir / "data" / file).read_text("utf-8"))
    found = {place for place, row in enumerate(rows) if task_of(_pair(row)) is task}
    assert len(right & found) >= 0.95 * len(right), sorted(right - found)
    assert len(wrong & found) <= 0.1 * len(wrong), sorted(wrong & found)


def _pair(row: dict[str, str]) -> Pair:
    if "output" in row:
        return Pair(row["instruction"], row["output"], row["input"])
    return Pair(row["Raw Instruction"], row["Raw Response"], row["Raw Input"])
