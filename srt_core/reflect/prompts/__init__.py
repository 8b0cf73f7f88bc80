"""What the teacher is asked, and how its reply is parsed (paper, section 3; METHOD, section 4).

    file        the prompts file, and the chat messages made from it
    sections    the names of a reply's sections by stage
    replies     parse_reply: finish reason, form of the reply, acceptance
    reasoning   removes a reasoning model's thoughts, or reads the answer where all of it is there
    objects, tags, headings     the three forms of a reply: a JSON object, tagged sections, sections under headings
    marks       the tags in a reply
    cleaning    what is put right in a rewrite: named rules, kept with the reflection
    texts       checks the texts of the sections; remarks: rewrites that speak of themselves, or repeat themselves
    verdicts    an accepted reply, or a refusal with its reason and the correction that the teacher gets

A reply is accepted or refused whole: a refused rewrite never becomes a candidate.
"""

from srt_core.reflect.prompts.cleaning import CLEANED, CleaningRule
from srt_core.reflect.prompts.file import Prompts, ReplyFormat, StagePrompt, load_prompts, parse_prompts
from srt_core.reflect.prompts.replies import parse_reply
from srt_core.reflect.prompts.sections import CRITERIA, REWRITE_SECTIONS, placeholder, section_keys
from srt_core.reflect.prompts.verdicts import CORRECTIONS, ParsedReflection, Refusal, RefusalReason, correction_for

__all__ = [
    "CLEANED",
    "CORRECTIONS",
    "CRITERIA",
    "REWRITE_SECTIONS",
    "CleaningRule",
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
