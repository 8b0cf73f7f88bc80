"""The step encode: a vector of each text, by which near samples are found and how far a rewrite went is measured."""

from collections.abc import Callable, Generator, Mapping
from threading import Event

from srt_core.errors import StudentError
from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.score.student import load_student, loading_message
from srt_core.score.student.encoding import StudentEncoder
from srt_core.score.student.sentences import MINILM, SentenceEncoder
from srt_core.steps.resident import RESIDENT
from srt_core.steps.step import Argument, Arguments, Field, Option, Reach, Report, Row, Step, Widget
from srt_core.vectors.encodings import Encoder, Recipe, encodings
from srt_core.vectors.fitting import NAME as TFIDF
from srt_core.vectors.fitting import open_tfidf
from srt_core.vectors.keeping import encode

STUDENT, SENTENCES = "student", "sentences"


def _open_student(_store: Store, asked: Arguments, _recipe: Recipe) -> Encoder:
    if not asked["model"]:
        raise StudentError("The encoder student needs a model.", "Give --model, the folder or hub name of the student.")
    RESIDENT.release()
    return StudentEncoder(load_student(asked["model"], device=asked["device"]))


ENCODERS: Mapping[str, Callable[[Store, Arguments, Recipe], Encoder]] = {
    STUDENT: _open_student,
    TFIDF: lambda store, _asked, recipe: open_tfidf(store, recipe),
    SENTENCES: lambda _store, asked, _recipe: SentenceEncoder(asked["model"] or MINILM),
}
"""What opens each encoder. Adding one is adding it here."""
_LABELS = {
    STUDENT: "Student: its hidden states",
    TFIDF: "Words: TF-IDF, no model",
    SENTENCES: "Sentence model",
}
_RECIPES = {Recipe.PAIR: "Instruction, input and response", Recipe.PROMPT: "Instruction and input"}

ARGUMENTS = (
    Argument(
        "encoder",
        str,
        STUDENT,
        option=Option(
            f"One of {', '.join(ENCODERS)}: a student's hidden states, the words alone, or a sentence model."
        ),
        field=Field("Encoder", "What makes the vectors.", Widget.LIST, first=TFIDF, choices=_LABELS),
    ),
    Argument(
        "model",
        str,
        "",
        option=Option(
            f"The student's or sentence model's folder or hub name; {MINILM} for the latter where not given."
        ),
        field=Field("Model folder on this server, or hub name", placeholder="/models/my-student", key="encoder_model"),
        reach=Reach.STUDENT,
    ),
    Argument(
        "recipe",
        Recipe,
        Recipe.PAIR,
        option=Option("Which text becomes a vector: pair, or prompt (instruction and input)."),
        field=Field("Text", widget=Widget.LIST, choices={str(key): label for key, label in _RECIPES.items()}),
    ),
    Argument(
        "originals",
        bool,
        False,
        option=Option("Of originals alone: enough to find similar samples, not for semantic drift."),
        field=Field("Originals only", widget=Widget.SWITCH),
    ),
    Argument("device", str, "auto", option=Option("auto, cpu or cuda.")),
)


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    if asked["encoder"] not in ENCODERS:
        raise StudentError(f"There is no encoder '{asked['encoder']}'.", f"Choose one of {', '.join(ENCODERS)}.")
    recipe = Recipe(asked["recipe"])
    if not store.value("SELECT count(*) FROM sample"):
        yield Progress("versions", total=0, message="There are no samples yet.")
        return
    yield Progress("versions", message=loading_message(asked["model"]) if asked["model"] else "Preparing the encoder")
    encoder = ENCODERS[asked["encoder"]](store, asked, recipe)
    yield from encode(store, encoder, recipe, whole=not asked["originals"], stop=stop)


def _report(store: Store, _asked: Arguments, _last: Progress) -> Report:
    in_use = store.encoding_id()
    return Report(
        [
            f"{'* ' if each.encoding_id == in_use else '  '}{each.encoder}, {each.recipe}: {each.vectors:,} vectors of "
            f"{each.dimensions} numbers"
            for each in encodings(store)
        ]
    )


ENCODE = Step(
    "encode",
    "Computing vectors",
    "versions",
    _run,
    arguments=ARGUMENTS,
    help="Compute a vector of each version that lacks one: for similar samples and semantic drift.",
    failed="without a vector",
    report=_report,
    rows=(Row(("encoder", "model", "recipe"), (3, 4, 3)), Row(("originals",))),
)
