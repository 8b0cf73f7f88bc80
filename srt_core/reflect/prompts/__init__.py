"""What the teacher is asked, and what its reply says (paper, section 3; METHOD, section 4).

`file` has the prompts and makes messages of them. `replies` reads a reply, written as tagged sections (`tags`), as a
JSON object (`objects`) or under headings (`headings`), and `texts` looks at what the sections say. A reply is accepted
or refused whole: a refusal names its reason (`verdicts`), and a refused rewrite never becomes a candidate.
"""

from srt_core.reflect.prompts.file import Prompts, ReplyFormat, StagePrompt, load_prompts, parse_prompts
from srt_core.reflect.prompts.replies import parse_reply
from srt_core.reflect.prompts.sections import CRITERIA, REWRITE_SECTIONS, placeholder, section_keys
from srt_core.reflect.prompts.verdicts import CORRECTIONS, ParsedReflection, Refusal, RefusalReason, correction_for

__all__ = [
    "CORRECTIONS",
    "CRITERIA",
    "REWRITE_SECTIONS",
    "ParsedReflection",
    "Prompts",
    "Refusal",
    "RefusalReason",
    "ReplyFormat",
    "StagePrompt",
    "correction_for",
    "load_prompts",
    "parse_prompts",
    "parse_reply",
    "placeholder",
    "section_keys",
]
