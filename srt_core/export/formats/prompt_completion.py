"""Prompt and completion as texts: what was scored, letter for letter. TRL reads it so, with loss on the completion.

The prompt is the template that was scored, filled in, with all that stands before the pair; the completion is the
response. Trainers end it with the tokenizer's end token, which no scoring does.
"""

from collections.abc import Mapping

from srt_core.export.formats.filled import filled
from srt_core.export.formats.lines import Layout, LeftOut, Line
from srt_core.export.formats.writing import Format, write_lines


def _fields(line: Line, layout: Layout) -> Mapping[str, object] | LeftOut:
    last = line.last
    prompt = filled(last.pair, layout)
    if isinstance(prompt, LeftOut):
        return prompt
    return {"prompt": prompt, "completion": last.pair.response, "sample_id": last.sample_id} | layout.own(last)


FORMAT = Format(
    "prompt_completion",
    "Prompt and completion",
    "The very text that was scored, in its template. TRL trains on it as it is, with loss on the completion alone.",
    "prompt_completion.{split}.jsonl",
    _fields,
    write_lines,
    is_filled=True,
    llamafactory={"columns": {"prompt": "prompt", "response": "completion"}},
)
