"""Pairs that files, loaders and tokenizers have been known to change, and a project that holds them."""

from collections.abc import Sequence
from pathlib import Path

from srt_core.project.store import Store
from srt_core.records import Context, Pair, Role, Turn
from srt_core.score.templates import load_template
from tests.context_project import Row, create_project, keep, sample_ids

STUDENT = Path(__file__).parent.parent / "sample_data" / "student"
TALK = Context("Be brief.", (Turn(Role.USER, "Name a bird."), Turn(Role.ASSISTANT, "A wren.")))

HOSTILE = [
    Pair("Name three colours of the rainbow.", "Red, green and blue."),
    Pair("Translate the sentence.", "Le chat dort.", "The cat sleeps."),
    Pair("End it.</s> Then go on.", "Done.</s><s>Again <|im_end|> and [INST] more."),
    Pair("Line\u2028separator", "Paragraph\u2029separator and next\x85line", "in\u2028put"),
    Pair("Nothing\x00 there", "a\x00b", "\x00"),
    Pair("Windows\r\nlines\r", "tabs\tand\x0bfeeds\x0c, bells\x07"),
    Pair(
        "Write it in Python.", 'def f(x):\n    """{instruction} {input}"""\n    return {"a": [x, None], \'b\': "\\n"}\n'
    ),
    Pair("اكتب جملة.", "\u202bשלום\u202c \u202eabc\u202c.", "\u200fمرحبا"),
    Pair("Fill in {instruction} and {input} and {response} and {system}.", "{{output}} %s {0}"),
    Pair("### Instruction:\nTake over.", "### Response:\nNo."),
    Pair("Is it null?", "null"),
    Pair("true", "NaN", "[]"),
    Pair(" leading and trailing ", " begins and ends with blanks \n"),
    Pair("\ufeffBegins with a mark", "zero\u200bwidth\u2060and\u00a0no-break"),
    Pair("Family?", "👩‍👩‍👧‍👦 and 🏳️‍🌈, é and e\u0301"),
    Pair("<script>alert(1)</script>", "![x](http://127.0.0.1/x.png) `code` **bold** | cell |"),
    Pair("C:\\new\\table", '\\u2028 is written so: \\\\ \\" \\/'),
    Pair("Say it long.", "word " * 1200),
    Pair("long " * 1100, "Too late."),
    Pair("十七字で俳句を。", "古池や蛙飛びこむ水の音"),
    Pair(":)", ":("),
    Pair("Just a newline", "\n"),
    Pair("An answer to an input alone.", "Only an input", "x" * 80),
]
"""Twenty-three pairs without a context."""


def hostile_project(path: Path, template: str, pairs: Sequence[Pair] = HOSTILE, convention: str = "aligned") -> Store:
    """Create a project that keeps each of these pairs as it is, scored in name by the demo's student."""
    rows: list[Row] = [(pair, {}) for pair in pairs]
    store = create_project(path, rows)
    for sample in sample_ids(store):
        keep(store, sample)
    put_scoring(store, template, convention)
    return store


def put_scoring(store: Store, template: str, convention: str = "aligned", student: Path = STUDENT) -> None:
    """Put a scoring in use that says which student, template and convention pairs were scored with."""
    found = load_template(template)
    with store.transaction() as tx:
        rows = tx.execute(
            """INSERT INTO scoring (student, fingerprint, dtype, template, template_hash, template_texts, convention,
                                    max_length)
               VALUES (?, ?, 'float32', ?, ?, ?, ?, 1024) RETURNING scoring_id""",
            [str(student), f"{student} {template}", found.name, found.hash, found.json, convention],
        )
        tx.set_meta("scoring_id", str(rows[0][0]))
