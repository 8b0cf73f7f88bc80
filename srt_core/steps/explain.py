"""The step explain: token losses of some versions of a sample, by the student that stays loaded."""

from collections.abc import Generator
from threading import Event

from srt_core.project.progress import Progress
from srt_core.project.store import Store
from srt_core.score.explain import explain
from srt_core.score.token_maps import MapSubject, stored_maps
from srt_core.steps.resident import RESIDENT, StudentChoice
from srt_core.steps.step import Argument, Arguments, Reach, Step


def _run(store: Store, asked: Arguments, stop: Event) -> Generator[Progress, None, None]:
    subjects = [MapSubject(table, number) for table, number in asked["subjects"]]
    progress = Progress("versions", total=len(subjects), message="Loading the student")
    yield progress
    student = RESIDENT.get(StudentChoice(asked["student"], asked["device"], asked["dtype"]))
    yield progress.moved(0, message="The student reads the texts with and without their context")
    for subject in subjects:
        if stop.is_set():
            return
        if not stored_maps(store, subject):
            explain(store, student, subject)
        progress = progress.moved(1)
        yield progress


# It runs because somebody looks at a sample, so it is no step of the work, and everybody may look.
EXPLAIN = Step(
    "explain",
    "Token losses",
    "versions",
    _run,
    (
        Argument("subjects", list[list[object]], ()),
        Argument("student", str, "", reach=Reach.STUDENT),
        Argument("device", str, "auto"),
        Argument("dtype", str, "auto"),
    ),
    failed="without token losses",
    is_work=False,
    is_open_to_all=True,
)
