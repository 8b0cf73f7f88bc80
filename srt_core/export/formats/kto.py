"""Single judged versions for KTO: prompt, completion and whether it may be trained on. Both sides need no pairs."""

from collections.abc import Mapping

from srt_core.export.formats.filled import filled
from srt_core.export.formats.items import Judged
from srt_core.export.formats.lines import Layout, LeftOut
from srt_core.export.formats.writing import Format, Source, write_lines


def _fields(found: Judged, layout: Layout) -> Mapping[str, object] | LeftOut:
    prompt = filled(found.row.pair, layout)
    if isinstance(prompt, LeftOut):
        return prompt
    return {
        "prompt": prompt,
        "completion": found.row.pair.response,
        "label": found.label,
        "sample_id": found.row.sample_id,
        "by": str(found.by),
        "version": found.row.version,
        "reason": found.reason,
        "because": found.because or "",
    }


FORMAT = Format(
    "kto",
    "Judged versions",
    "Each version that was kept or left out, with a label: prompt, completion and label as texts, for TRL's KTO.",
    "kto.{split}.jsonl",
    _fields,
    write_lines,
    source=Source.JUDGED,
    is_filled=True,
    llamafactory={"columns": {"prompt": "prompt", "response": "completion", "kto_tag": "label"}},
)
