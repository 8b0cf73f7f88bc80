"""Preferences for DPO: two responses to one prompt, with who preferred the one, why, and by how much.

dpo       TRL's standard form: three texts, the prompt in the template that was scored
dpo_chat  TRL's conversational form: messages
ranking   LLaMA-Factory's pairwise ranking: Alpaca's columns with chosen and rejected
"""

from collections.abc import Mapping

from srt_core.export.formats.alpaca import columns
from srt_core.export.formats.filled import filled
from srt_core.export.formats.items import Preference
from srt_core.export.formats.lines import Layout, LeftOut, Line
from srt_core.export.formats.messages import messages_of
from srt_core.export.formats.writing import Format, Source, write_lines, write_list
from srt_core.records import Role


def _standard(found: Preference, layout: Layout) -> Mapping[str, object] | LeftOut:
    prompt = filled(found.chosen.pair, layout)
    if isinstance(prompt, LeftOut):
        return prompt
    return {"prompt": prompt, "chosen": found.chosen.pair.response, "rejected": found.rejected.response} | found.beside


def _conversational(found: Preference, _layout: Layout) -> Mapping[str, object]:
    chosen, rejected = found.chosen.pair.response, found.rejected.response
    return {"prompt": messages_of(found.chosen.pair)[:-1], "chosen": _answer(chosen), "rejected": _answer(rejected)} | (
        found.beside
    )


def _ranking(found: Preference, layout: Layout) -> Mapping[str, object] | LeftOut:
    asked = columns(Line((found.chosen,)), layout)
    if isinstance(asked, LeftOut):
        return asked
    texts = {name: value for name, value in asked.items() if name not in ("output", "sample_id")}
    return texts | {"chosen": found.chosen.pair.response, "rejected": found.rejected.response} | found.beside


def _answer(text: str) -> list[dict[str, str]]:
    return [{"role": str(Role.ASSISTANT), "content": text}]


_TEXTS = {"chosen": "chosen", "rejected": "rejected"}
DPO = Format(
    "dpo",
    "Preferences, texts",
    "What stands and what it was preferred to, of one prompt: prompt, chosen and rejected as texts, for TRL's DPO.",
    "dpo.{split}.jsonl",
    _standard,
    write_lines,
    source=Source.PREFERENCES,
    is_filled=True,
    llamafactory={"ranking": True, "columns": {"prompt": "prompt", **_TEXTS}},
)
DPO_CHAT = Format(
    "dpo_chat",
    "Preferences, messages",
    "The same as messages, which a trainer writes in the model's own chat template.",
    "dpo_chat.{split}.jsonl",
    _conversational,
    write_lines,
    source=Source.PREFERENCES,
)
RANKING = Format(
    "ranking",
    "Preferences, LLaMA-Factory",
    "The same in Alpaca's columns, which LLaMA-Factory reads as a ranking.",
    "ranking.{split}.json",
    _ranking,
    write_list,
    source=Source.PREFERENCES,
    llamafactory={
        "ranking": True,
        "columns": {"prompt": "instruction", "query": "input", "system": "system", "history": "history", **_TEXTS},
    },
)
