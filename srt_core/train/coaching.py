"""What a coach is trained on: for each edit the request of a coach without examples, and the edit as its reply."""

from collections.abc import Sequence
from pathlib import Path

from srt_core.errors import ExportError, StudentError
from srt_core.records import Pair
from srt_core.reflect.coach.edits import Edit
from srt_core.reflect.coach.wording import VERSION, reply_text, request_text
from srt_core.reflect.prompts import ReplyFormat
from srt_core.score.prompts import prompts_of
from srt_core.score.student import load_tokens
from srt_core.score.templates import load_template
from srt_core.train.exports import TRAIN
from srt_core.train.writing import write_pairs


def write_coach(learnt: Sequence[Edit], folder: Path, template_name: str, student: str, alpha: float) -> None:
    """Write the pairs that a coach is trained on as the folder of an export, the largest edit first.

    Raises:
        StudentError: the template is written by a tokenizer, and no student is named.
        ExportError: the folder has something in it, or cannot be written.
    """
    template = load_template(template_name)
    if template.is_chat and not student:
        raise StudentError("The template chat is written by a student's tokenizer.", "Give --student, the model.")
    if folder.exists() and any(folder.iterdir()):
        raise ExportError(f"{folder} is there already.", "Give another folder.")
    prompts = prompts_of(template, load_tokens(student) if template.is_chat else None)
    found = [
        (each.sample_id, Pair(request_text(each.before, ReplyFormat.JSON), reply_text(each.after))) for each in learnt
    ]
    said = {
        "arm": "coach",
        "student": {"template": template.name, "name": student},
        "coach": {"version": VERSION, "alpha": alpha, "edits": [each.event_id for each in learnt]},
    }
    write_pairs(folder, {TRAIN: found}, prompts, said)
