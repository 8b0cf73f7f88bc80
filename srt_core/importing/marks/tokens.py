"""Marks of text that belongs to a chat template: a tokenizer would read it as the end of a turn, not as words."""

import re

from srt_core.importing.marks.mark import Mark, Original, say_found

TOKEN = re.compile(
    r"""<\|[A-Za-z][\w .▁-]{0,38}\w\|>                     # <|im_end|>, <|start_header_id|>, <|end of sentence|>
      | <｜[^｜<>\n]{2,40}｜>                               # the same with full-width bars
      | (?<!\w)<s>(?!\w+>) | </s>                          # html's strikethrough is told apart below
      | \[/?INST\] | <</?SYS>> | \[/?(?:SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]
      | <(?:start|end)_of_turn> | </?(?:bos|eos|pad|unk)> | <\|eot\|>""",
    re.VERBOSE,
)
_STRUCK = re.compile(r"<s>(?:(?!</?s>).){1,400}</s>", re.DOTALL)


def special_tokens(sample: Original) -> str | None:
    """Find the first special token of a common chat template in any text."""
    for part, text in sample.texts:
        if "<" not in text and "[" not in text:
            continue
        struck = [found.span() for found in _STRUCK.finditer(text) if found.span() != (0, len(text.rstrip()))]
        for found in TOKEN.finditer(text):
            if not any(first <= found.start() < last for first, last in struck):
                return say_found(found[0], part, found.start())
    return None


_HEADING = re.compile(
    r"^[ \t]*###[ \t]*(?:response|instruction|human|user|assistant|system)[ \t]*:", re.IGNORECASE | re.MULTILINE
)
"""Headings of Input, Output, Question and Answer are those of exercises too."""
_OPENING = re.compile(r"\s*(?:\*\*)?(?:ASSISTANT|Assistant|CHATGPT|ChatGPT|GPT|AI|BOT)[ \t]*:")
_NEXT_TURN = re.compile(r"^(?:\*\*)?(?:USER|User|HUMAN|Human|### ?(?:User|Human))[ \t]*:", re.MULTILINE)
_NEXT_TASK = re.compile(r"^[ \t]*\d{1,3}\.[ \t]*(?:Instruction|Input|Output)[ \t]*:", re.MULTILINE)
"""Lists of tasks in this form are what some sets were made of by a model."""
_DIALOGUE = re.compile(
    r"dialog|conversation|chat|script|interview|transcript|role-?play|scene|\bbot\b|assistant|\buser\b|human|debate"
    r"|skit|\bplay\b|対話|会話|对话|聊天|대화|gespräch|conversación|диалог"
)


def template_text(sample: Original) -> str | None:
    """Find a heading of a prompt template, or a next turn of the user that the response makes up."""
    for part, text in sample.texts:
        if "#" in text and (found := _HEADING.search(text)):
            return say_found(found[0].strip(), part, found.start())
    response = sample.pair.response
    turn = _OPENING.match(response) or _NEXT_TURN.search(response)
    if turn and not _is_dialogue(sample):
        return say_found(turn[0].strip(), "response", turn.start())
    if (task := _NEXT_TASK.search(response)) and "instruction" not in sample.asked:
        return say_found(task[0].strip(), "response", task.start())
    return None


def _is_dialogue(sample: Original) -> bool:
    """Whether the sample is about who says what, so that names before colons are what was asked for."""
    return bool(_DIALOGUE.search(sample.asked))


MARKS = (
    Mark(
        "special_tokens",
        "Special tokens",
        "A token of a chat template stands in a text, such as <|im_end|> or [INST]: training may read it as the end of "
        "a turn.",
        special_tokens,
    ),
    Mark(
        "template_text",
        "Template text",
        "A heading of a prompt template stands in a text, such as ### Response:, or the response goes on as the user.",
        template_text,
    ),
)
