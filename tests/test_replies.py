"""Replies as teachers write them, good and bad: each is read whole, to the letter, or refused with its reason."""

import html
import json
import re
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from srt_core.records import Pair, Stage
from srt_core.reflect.prompts import (
    CRITERIA,
    ParsedReflection,
    Refusal,
    RefusalReason,
    load_prompts,
    parse_reply,
    placeholder,
    section_keys,
)

PARENT = Pair("Name an animal that is endangered.", "The panda.", "Answer briefly.")
WISH = "List three endangered animals and say what threatens each."
ANSWER = "1. Black rhino: poaching.\n2. Orangutan: loss of forest.\n3. Vaquita: fishing nets."
INS, RES = Stage.INSTRUCTION, Stage.RESPONSE
R = RefusalReason


def usual(stage: Stage, **texts: object) -> dict[str, object]:
    """Return the sections of a plain reply, with some of them set."""
    plain: dict[str, object] = dict.fromkeys(section_keys(stage), "A plain remark.")
    plain["new_response"] = ANSWER
    if stage is INS:
        plain["new_instruction"] = WISH
    return plain | texts


def tagged(stage: Stage, **texts: str) -> str:
    """Write a reply in the form the prompt asks for."""
    return "\n".join(f"<{key}>\n{text}\n</{key}>" for key, text in usual(stage, **texts).items())


def as_json(stage: Stage, **texts: object) -> str:
    """Write a reply as a JSON object over several lines."""
    return json.dumps(usual(stage, **texts), indent=2)


def described(stage: Stage) -> dict[str, object]:
    """Return the sections as properties of a schema, each with its text as the description."""
    return {key: {"type": "string", "description": text} for key, text in usual(stage).items()}


def curly(text: str) -> str:
    """Write the quotation marks around the strings of JSON as typographic ones."""
    return re.sub(r'"((?:[^"\\]|\\.)*)"', "\u201c\\1\u201d", text)


def headed(stage: Stage, form: str = "**{}:**\n{}", **texts: str) -> str:
    """Write a reply under headings."""
    named = ((key.replace("_", " ").title(), text) for key, text in usual(stage, **texts).items())
    return "\n\n".join(form.format(*section) for section in named)


def retagged(stage: Stage, opening: str, closing: str, gap: str = "\n") -> str:
    """Write a reply with tags in another form; {} is the key."""
    return gap.join(f"{opening.format(k)}\n{t}\n{closing.format(k)}" for k, t in usual(stage).items())


def renamed(stage: Stage, rename: Callable[[str], str]) -> str:
    """Write a JSON reply with its keys in another form."""
    return json.dumps({rename(key): text for key, text in usual(stage).items()})


def answered(text: str) -> Pair:
    """Return the pair of a response stage that brought this text."""
    return Pair(PARENT.instruction, text, PARENT.input)


def whole_and(text: str) -> tuple[Stage, str, Pair]:
    """Return a reply of the response stage with this text as its answer, which has to come back as it is."""
    return RES, tagged(RES, new_response=text), answered(text)


def with_answer(text: str, reason: RefusalReason) -> tuple[Stage, str, RefusalReason]:
    """Return a reply of the response stage with this text as its answer, which has to be refused."""
    return RES, tagged(RES, new_response=text), reason


FRESH, BETTER = Pair(WISH, ANSWER), answered(ANSWER)
TALK = "Certainly! Here is my reflection.\n\n"
NOTE = "\n\nLet me know if you want more."
CODE = 'def f(x):\n    return {"a": [x], "new_response": 1}'
MENTIONS = "The tag <new_response> opens the answer; </new_response> closes it, as </new_instruction> does."
ONE_LINE = "".join(f"<{key}>Fine, {key}.</{key}>" for key in section_keys(RES))
SAME_LINE = "\n".join(f"<{key}> Fine, {key}. </{key}>" for key in section_keys(RES))
XML = "<fault>\n  <code>404</code>\n  <detail>Not found</detail>\n</fault>"
DEEP_XML = "<fault>\n  <detail>\n    <why/>\n  </detail>\n</fault>"
FENCED_FORM = "Use this form:\n```xml\n<detail>\nA lot.\n</detail>\n```\nThat is all."
SPLIT = "\n".join(json.dumps(part) for part in ({"helpfulness": "a", "relevance": "b"}, {"new_response": ANSWER}))
GROUPED = json.dumps({"critique": dict.fromkeys(CRITERIA[INS], "Fine."), "pair": {"new_instruction": WISH,
                      "new_response": ANSWER}})  # fmt: skip
LAST_FIRST = json.dumps(dict(reversed(usual(INS).items())))
OUT_OF_ORDER = tagged(RES).replace("relevance>", "x>").replace("accuracy>", "relevance>").replace("x>", "accuracy>")
TWO_WAYS = "Write a prompt.\n</new_instruction>\n<new_response>\nIts answer goes here."
PREFACE_ZH = "\u5f53\u7136\uff01\u4ee5\u4e0b\u662f\u6539\u8fdb\u540e\u7684\u56de\u7b54\uff1a\u718a\u732b\u3002"
RARE_ZH = "\u718a\u732b\u662f\u975e\u5e38\u7a00\u6709\u7684\u3002"
SORRY = "I'm sorry, but I can't help with that."
NESTED = tagged(RES).replace("</accuracy>\n<detail>", "<detail>").replace("</detail>", "</detail>\n</accuracy>")
OTHER_TASK = tagged(RES).replace("<new_response>", f"<new_instruction>\n{WISH}\n</new_instruction>\n<new_response>")

TAGS: dict[str, tuple[Stage, str, Pair | RefusalReason]] = {
    "the form asked for": (INS, tagged(INS), FRESH),
    "the form asked for, response stage": (RES, tagged(RES), BETTER),
    "Windows line ends": (RES, tagged(RES).replace("\n", "\r\n"), BETTER),
    "byte order mark": (RES, "\ufeff" + tagged(RES), BETTER),
    "zero-width space before the tags": (RES, "\u200b" + tagged(RES).replace("\n<", "\n\u200b<"), BETTER),
    "talk before and after": (INS, TALK + tagged(INS) + NOTE, FRESH),
    "talk on the first tag's line": (RES, "Here: " + ONE_LINE, answered("Fine, new_response.")),
    "talk between sections": (RES, tagged(RES).replace("<new_r", "\nNow the better response.\n\n<new_r"), BETTER),
    "a heading between sections": (INS, tagged(INS).replace("<new_ins", "\n### The new pair\n\n<new_ins"), FRESH),
    "blank lines between sections": (INS, tagged(INS).replace(">\n<", ">\n\n\n<"), FRESH),
    "blank lines around a text": (RES, tagged(RES, new_response=f"\n\n  \n{ANSWER}\n\n"), BETTER),
    "an indented first line": whole_and("    x = 1\n    y = 2"),
    "text on the tags' lines": (RES, SAME_LINE, answered("Fine, new_response.")),
    "all on one line": (RES, ONE_LINE, answered("Fine, new_response.")),
    "a wrapper around all": (INS, f"<reflection>\n{tagged(INS)}\n</reflection>", FRESH),
    "a fence around all": (RES, f"```xml\n{tagged(RES)}\n```", BETTER),
    "a fence around each": (INS, retagged(INS, "```xml\n<{}>", "</{}>\n```", "\n\n"), FRESH),
    "a fence within each": (RES, retagged(RES, "<{}>\n```text", "```\n</{}>"), BETTER),
    "a fence within one": whole_and(f"```\n{ANSWER}\n```"),
    "XML with a declaration": (RES, f'<?xml version="1.0"?>\n<reflection>\n{tagged(RES)}\n</reflection>', BETTER),
    "indented XML": (RES, "<r>\n  " + tagged(RES).replace("\n", "\n  ") + "\n</r>", BETTER),
    "indented XML with code": (
        RES,
        "  " + tagged(RES, new_response="a:\n    b").replace("\n", "\n  "),
        answered("a:\n    b"),
    ),
    "upper case": (INS, retagged(INS, "<{}>", "</{}>").replace("new_instruction>", "NEW_INSTRUCTION>"), FRESH),
    "names with spaces": (INS, re.sub(r"(?<=[</])(\w+)_(\w+)>", r"\1 \2>", tagged(INS)), FRESH),
    "names in title case with spaces": (RES, tagged(RES).replace("new_response", "New Response"), BETTER),
    "spaces within the tags": (RES, retagged(RES, "< {} >", "</ {} >"), BETTER),
    "attributes": (RES, retagged(RES, '<{} score="4">', "</{}>"), BETTER),
    "tags in bold": (INS, retagged(INS, "**<{}>**", "**</{}>**"), FRESH),
    "tags in backticks": (INS, retagged(INS, "`<{}>`", "`</{}>`"), FRESH),
    "tags as headings": (RES, retagged(RES, "### <{}>", "</{}>", "\n\n"), BETTER),
    "tags in a list": (RES, retagged(RES, "- <{}>", "</{}>"), BETTER),
    "bold text beside a loose tag": (
        RES,
        tagged(RES).replace("helpfulness>", "Helpfulness>").replace(f"{ANSWER}\n", "So: **yes**"),
        answered("So: **yes**"),
    ),
    "escaped as HTML": (
        RES,
        html.escape(tagged(RES, new_response="1 < 2 & 'a'\n<b>")),
        answered("1 < 2 & 'a'\n<b>"),
    ),
    "only the tags escaped": (RES, retagged(RES, "&lt;{}&gt;", "&lt;/{}&gt;"), BETTER),
    "escaped in part": (
        RES,
        retagged(RES, "&lt;{}&gt;", "&lt;/{}&gt;").replace(ANSWER, "<b> &amp;"),
        R.AMBIGUOUS_SECTIONS,
    ),
    "entities in plain tags": whole_and("Write &lt;b&gt; for bold."),
    "a mention of the tags": whole_and(MENTIONS),
    "an instruction that mentions the tags": (INS, tagged(INS, new_instruction=MENTIONS), Pair(MENTIONS, ANSWER)),
    "a critique that mentions tags": (INS, tagged(INS, detail="The <new_response> is </detail> enough."), FRESH),
    "a mention in backticks": whole_and("`<new_response>` opens the answer.\nIt ends with `</new_response>`"),
    "HTML": whole_and("<p>\nHi\n</p>\n<details><summary>More</summary>x</details>"),
    "XML with a name like ours": whole_and(XML),
    "XML with a block like ours": whole_and(DEEP_XML),
    "our tags in a code fence": whole_and(FENCED_FORM),
    "code": whole_and(CODE),
    "JSON with our keys as an answer": whole_and('{\n  "helpfulness": 3,\n  "new_response": "x"\n}'),
    "bold headings in a text": whole_and("**New Instruction:**\nGo."),
    "an end marker's word in a text": whole_and("Endangered\n[End]\nEND"),
    "a word that begins like an end marker": whole_and("Three are\n[Endangered]"),
    "the end of a story": whole_and("They sailed home.\n\nTHE END"),
    "N/A in an answer": whole_and("Write N/A there."),
    "a placeholder in a letter": whole_and("Dear [your name],\nthank you."),
    "a list in brackets": whole_and("[1, 2, 3]"),
    "an apology in an answer": whole_and("I'm sorry, but I can't open links. Paste the text and I will sum it up."),
    "other scripts": whole_and("\u0915\u094d\u092f\u094b\u0902? \u56e0\u4e3a\u3002 \u0644\u0623\u0646 \U0001f43c"),
    "braces before the tags": (RES, '{"topic": "animals"}\n' + tagged(RES), BETTER),
    "a section left out": (INS, tagged(INS).replace("ambiguity", "clarity"), R.MISSING_SECTION),
    "no critique": (RES, f"<new_response>\n{ANSWER}\n</new_response>", R.MISSING_SECTION),
    "no critique, two-part reply": (INS, tagged(INS)[tagged(INS).index("<new_ins") :], R.MISSING_SECTION),
    "the other stage's sections": (INS, tagged(RES), R.MISSING_SECTION),
    "the last section never closed": (RES, tagged(RES).removesuffix("</new_response>"), R.MISSING_SECTION),
    "a section closed by another tag": (RES, tagged(RES).replace("</accuracy>", "</detail>"), R.MISSING_SECTION),
    "the last section only mentioned": (
        RES,
        tagged(RES, detail=MENTIONS).split("<new_response>\n")[0],
        R.MISSING_SECTION,
    ),
    "quoted like a mail": (RES, "> " + tagged(RES).replace("\n", "\n> "), R.MISSING_SECTION),
    "the instruction in the response stage": (RES, OTHER_TASK, R.AMBIGUOUS_SECTIONS),
    "a section within another": (RES, NESTED, R.AMBIGUOUS_SECTIONS),
    "another order": (RES, OUT_OF_ORDER, R.AMBIGUOUS_SECTIONS),
    "two replies": (RES, tagged(RES) + "\n\nOr better:\n" + tagged(RES), R.AMBIGUOUS_SECTIONS),
    "tags, then JSON": (RES, tagged(RES) + "\n\n" + as_json(RES), R.AMBIGUOUS_SECTIONS),
    "tags, then headings": (RES, tagged(RES) + "\n\n" + headed(RES), R.AMBIGUOUS_SECTIONS),
    "a second answer": (RES, tagged(RES) + "\n<new_response>\nOr.\n</new_response>", R.AMBIGUOUS_SECTIONS),
    "a first draft": (RES, "<new_response>\nOr.\n</new_response>\n" + tagged(RES), R.AMBIGUOUS_SECTIONS),
    "the first section twice": (RES, "<helpfulness>\nHm.\n</helpfulness>\n" + tagged(RES), R.AMBIGUOUS_SECTIONS),
    "a restart in the first section": (RES, "<helpfulness>\nIt is<helpfulness>\n" + tagged(RES)[14:], R.STRAY_MARKERS),
    "an instruction with the reply's own seam": (INS, tagged(INS, new_instruction=TWO_WAYS), R.AMBIGUOUS_SECTIONS),
    "the last tag on a line of the answer": with_answer("a\n</new_response>\nb", R.AMBIGUOUS_SECTIONS),
    "an answer that opens again": with_answer("A draft.\n<new_response>\nThe answer.", R.STRAY_MARKERS),
    "an answer in its tag twice": with_answer(f"<new_response>{ANSWER}</new_response>", R.STRAY_MARKERS),
    "a critique in the answer": with_answer(f"<accuracy>\nRight.\n</accuracy>\n{ANSWER}", R.STRAY_MARKERS),
    "an input beside the instruction": (
        INS,
        tagged(INS).replace("<new_resp", "<new_input>\nA list of animals.\n</new_input>\n<new_resp"),
        R.AMBIGUOUS_SECTIONS,
    ),
    "closed twice": (RES, tagged(RES) + "</new_response>", R.STRAY_MARKERS),
    "its own heading in the answer": with_answer(f"**New Response:**\n{ANSWER}", R.STRAY_MARKERS),
    "an end marker": with_answer(f"{ANSWER}\n[End]", R.STRAY_MARKERS),
    "an end marker in words": with_answer(f"{ANSWER}\n--- End of response ---", R.STRAY_MARKERS),
    "a restart in indented tags": (
        RES,
        "  <helpfulness>\n  It is\n  <helpfulness>\n  " + tagged(RES)[14:].replace("\n", "\n  "),
        R.AMBIGUOUS_SECTIONS,
    ),
    "CDATA": with_answer(f"<![CDATA[{ANSWER}]]>", R.STRAY_MARKERS),
    "a colon after the tag": (RES, retagged(RES, "<{}>:", "</{}>"), R.STRAY_MARKERS),
    "an end token": (RES, tagged(RES, new_response=f"{ANSWER}<|im_end|>"), BETTER),
    "an end token as a subject": with_answer("A turn ends with <|im_end|>", R.STRAY_MARKERS),
    "reasoning in the answer": with_answer(f"<think>\nHm.\n</think>\n{ANSWER}", R.STRAY_MARKERS),
}

JSON_REPLIES: dict[str, tuple[Stage, str, Pair | RefusalReason]] = {
    "over several lines": (INS, as_json(INS), FRESH),
    "on one line": (RES, json.dumps(usual(RES)), BETTER),
    "in a fence, with talk": (INS, f"{TALK}```json\n{as_json(INS)}\n```\nThat is all.", FRESH),
    "in the middle of a line": (INS, f"Here it is: {as_json(INS)} Done.", FRESH),
    "more keys": (RES, as_json(RES, score=3, notes={"a": ["b"]}), BETTER),
    "keys in another order": (INS, LAST_FIRST, FRESH),
    "keys in title case with spaces": (INS, renamed(INS, lambda key: key.replace("_", " ").title()), FRESH),
    "keys in camel case": (INS, renamed(INS, lambda key: re.sub(r"_(\w)", lambda m: m[1].upper(), key)), FRESH),
    "under one key": (INS, json.dumps({"reflection": usual(INS)}), FRESH),
    "in two groups": (INS, GROUPED, FRESH),
    "in a list": (RES, f"[{as_json(RES)}]", BETTER),
    "criteria as lists": (INS, as_json(INS, detail=["Too short.", "No reason."]), FRESH),
    "criteria as numbers": (RES, as_json(RES, accuracy=8, detail=4.5), BETTER),
    "encoded twice": (RES, json.dumps(as_json(RES)), BETTER),
    "tags encoded as JSON": (RES, json.dumps(tagged(RES)), BETTER),
    "raw line breaks in a text": (RES, as_json(RES).replace("\\n", "\n"), BETTER),
    "trailing comma": (RES, as_json(RES)[:-2] + ",\n}", BETTER),
    "a comma before a bracket in a text": (RES, as_json(RES, new_response="[1, ]")[:-2] + ",\n}", answered("[1, ]")),
    "a mention of the tags": (RES, as_json(RES, new_response=f"\n{MENTIONS}"), answered(MENTIONS)),
    "escaped letters": (RES, as_json(RES, new_response="\U0001f43c \u00e9"), answered("\U0001f43c \u00e9")),
    "another object first": (RES, f'{{"plan": "think"}}\n{as_json(RES)}', BETTER),
    "no answer": (RES, as_json(RES).replace("new_response", "response"), R.MISSING_SECTION),
    "no criterion": (RES, as_json(RES).replace("accuracy", "correctness"), R.MISSING_SECTION),
    "null": (RES, as_json(RES, new_response=None), R.MISSING_SECTION),
    "an answer as a list": (RES, as_json(RES, new_response=["a", "b"]), R.MISSING_SECTION),
    "an answer as an object": (RES, as_json(RES, new_response={"text": "a"}), R.MISSING_SECTION),
    "a criterion as an object": (RES, as_json(RES, detail={"score": 3}), R.MISSING_SECTION),
    "a criterion that is true": (RES, as_json(RES, detail=True), R.MISSING_SECTION),
    "half a surrogate pair": (RES, as_json(RES, new_response="\ud83d"), R.MISSING_SECTION),
    "NUL": (RES, as_json(RES, new_response="caf\0e9"), R.MISSING_SECTION),
    "an empty text": (RES, as_json(RES, detail=""), R.EMPTY_SECTION),
    "cut short": (RES, as_json(RES)[:-30], R.BROKEN_JSON),
    "cut short in a fence": (INS, f"```json\n{as_json(INS)[:-60]}\n```", R.BROKEN_JSON),
    "other keys": (RES, json.dumps({"\u6709\u7528\u6027": "ok", "\u65b0\u56de\u7b54": ANSWER}), R.OTHER_KEYS),
    "other keys in a fence": (RES, '```json\n{"score": 7}\n```', R.OTHER_KEYS),
    "an empty object": (RES, "{}", R.MISSING_SECTION),
    "every section described": (RES, as_json(RES, **described(RES)), R.SCHEMA_ECHO),
    "the schema itself": (RES, json.dumps(load_prompts().schema(RES)), R.SCHEMA_ECHO),
    "one section described": (RES, as_json(RES, new_response=described(RES)["new_response"]), R.MISSING_SECTION),
    "nested without end": (RES, '{"a":' + "[" * 100_000, R.MISSING_SECTION),
    "two halves": (RES, SPLIT, R.AMBIGUOUS_SECTIONS),
    "a key twice": (RES, as_json(RES).replace('"detail"', '"accuracy"'), R.AMBIGUOUS_SECTIONS),
    "a key twice in other case": (RES, as_json(RES, New_Response="b"), R.AMBIGUOUS_SECTIONS),
    "a key again in a group": (RES, as_json(RES, draft={"new_response": "b"}), R.AMBIGUOUS_SECTIONS),
    "a new instruction in the response stage": (RES, as_json(RES, new_instruction=WISH), R.AMBIGUOUS_SECTIONS),
    "an input beside the instruction": (INS, as_json(INS, new_input="A list."), R.AMBIGUOUS_SECTIONS),
    "an empty input beside the instruction": (INS, as_json(INS, input=""), FRESH),
    "an echo of the input": (RES, as_json(RES, input="Answer briefly."), BETTER),
    "an echo of the schema": (
        RES,
        as_json(RES, new_response="The better response to the same instruction and input."),
        R.PLACEHOLDER_ECHO,
    ),
    "line breaks escaped twice": (RES, as_json(RES, new_response=r"One.\n\nTwo."), answered("One.\n\nTwo.")),
    "single line breaks escaped twice": (
        RES,
        as_json(RES, new_response=r"So:\n1. \"Go\".\n- then stop.\nEnd."),
        answered('So:\n1. "Go".\n- then stop.\nEnd.'),
    ),
    "line breaks as a subject": whole_and(r"A line ends in \n or \r\n, as you like."),
    "TeX and paths": whole_and(r"In C:\new\notes: $a\neq b$, $\nabla f\neq 0$."),
    "line breaks in quotation marks": whole_and(r'Write print("One.\nTwo.\nThree.").'),
    "an escaped line break in code": (
        RES,
        as_json(RES, new_response=r"Use split('\n\n')."),
        answered(r"Use split('\n\n')."),
    ),
    "two replies": (RES, as_json(RES) + "\n" + as_json(RES), R.AMBIGUOUS_SECTIONS),
    "the same response": (RES, as_json(RES, new_response=PARENT.response), R.UNCHANGED),
    "an answer in its tag": (RES, as_json(RES, new_response="<new_response>\na\n</new_response>"), R.STRAY_MARKERS),
}

SAID = """It's "shy", he said.\nA name's ending: \\n is a break; caf\u00e9 \U0001f43c \x07."""
OPEN = as_json(RES).replace("Vaquita", 'The "Vaquita"')
QUOTES: dict[str, tuple[Stage, str, Pair | RefusalReason]] = {
    "a Python literal": (RES, repr(usual(RES, new_response=SAID)), answered(SAID)),
    "a Python literal of both rewrites": (INS, repr(usual(INS)), FRESH),
    "a Python literal in a fence": (RES, f"{TALK}```python\n{usual(RES)!r}\n```", BETTER),
    "a Python literal with other values": (RES, repr(usual(RES, score=8, draft=None, tags=["a", True])), BETTER),
    "a Python literal with a comma at its end": (RES, repr(usual(RES))[:-1] + ",\n}", BETTER),
    "a Python literal with a key twice": (
        RES, repr(usual(RES))[:-1] + ", 'new_response': 'b'}", R.AMBIGUOUS_SECTIONS),
    "two Python literals": (RES, f"{usual(RES)!r}\n{usual(RES)!r}", R.AMBIGUOUS_SECTIONS),
    "an apostrophe that ends nothing": (RES, repr(usual(RES)).replace("plain", "reader's"), R.BROKEN_JSON),
    "words in the quotation marks of the object": (RES, repr(usual(RES)).replace("plain", "'plain'"), R.BROKEN_JSON),
    "two strings side by side": (RES, repr(usual(RES)).replace("plain", "so' 'called"), R.BROKEN_JSON),
    "a prefix before a string": (RES, repr(usual(RES)).replace(": 'A", ": f'A"), R.BROKEN_JSON),
    "an escape that is none": (RES, repr(usual(RES)).replace("plain", r"\alpha"), R.BROKEN_JSON),
    "a Python literal cut short": (RES, repr(usual(RES))[:-9], R.BROKEN_JSON),
    "a Python literal that a text seems to end": (
        RES, repr(usual(RES)).replace("Vaquita", "Take '}"), R.AMBIGUOUS_SECTIONS),
    "a Python set": (RES, "{'helpfulness', 'accuracy'}", R.BROKEN_JSON),
    "code with a key of ours": (
        RES, headed(RES, new_response="print({'accuracy': 0.9})"), answered("print({'accuracy': 0.9})")),
    "typographic marks": (RES, curly(as_json(RES)), BETTER),
    "typographic marks around quoted words": (
        RES, curly(as_json(RES, new_response='Say "no".')).replace(r'\"', '"'), answered('Say "no".')),
    "typographic marks within a text": (
        RES, curly(as_json(RES, new_response="Say \u201cno\u201d and go.").encode().decode("unicode_escape")),
        R.BROKEN_JSON),
    "quotation marks not escaped": (RES, OPEN, answered(ANSWER.replace("Vaquita", 'The "Vaquita"'))),
    "quotation marks not escaped at both ends": (
        RES, as_json(RES, new_response='"Yes" or "no"').replace(r'\"', '"'), answered('"Yes" or "no"')),
    "some escaped and some not": (
        RES, as_json(RES, new_response='"Yes" or "no"').replace(r'\"Y', '"Y'), R.BROKEN_JSON),
    "pairs escaped and pairs not": (
        RES, as_json(RES, new_response='"Yes" or "no".').replace(r'\"no\"', '"no"'), answered('"Yes" or "no".')),
    "an inch not escaped": (RES, as_json(RES).replace("Vaquita", 'A 5" fish'), R.BROKEN_JSON),
    "not escaped, with another entry": (
        RES, OPEN.replace('"accuracy"', '"mark": "good", "accuracy"'), R.BROKEN_JSON),
    "not escaped, with a number": (RES, OPEN.replace('"accuracy"', '"mark": 4, "accuracy"'), R.BROKEN_JSON),
    "not escaped, an object in a text": (RES, as_json(RES).replace("Vaquita", 'Use {"a": "b"}'), R.BROKEN_JSON),
    "not escaped, a list of names": (
        RES, as_json(RES, new_response='"a", "b" and "c".').replace(r'\"', '"'), answered('"a", "b" and "c".')),
    "not escaped, an entry in a text": (
        RES, as_json(RES, new_response='Take "a", "b": both.').replace(r'\"', '"'), R.BROKEN_JSON),
    "not escaped, a section twice": (RES, OPEN.replace('"accuracy"', '"detail"'), R.BROKEN_JSON),
    "not escaped, a section of ours in a text": (
        RES, OPEN.replace("poaching", 'see "x", "detail": "y" here'), R.BROKEN_JSON),
    "not escaped and cut short": (RES, OPEN[:-20], R.BROKEN_JSON),
    "not escaped, with talk at the end": (RES, OPEN + NOTE, R.BROKEN_JSON),
    "not escaped, in a fence": (RES, f"```json\n{OPEN}\n```", answered(ANSWER.replace("Vaquita", 'The "Vaquita"'))),
}  # fmt: skip

HEADINGS: dict[str, tuple[Stage, str, Pair | RefusalReason]] = {
    "in bold": (INS, headed(INS), FRESH),
    "in bold, the colon outside": (INS, headed(INS, "**{}**: {}"), FRESH),
    "with a number sign": (RES, headed(RES, "### {}\n{}"), BETTER),
    "numbered": (INS, headed(INS, "1. **{}**: {}"), FRESH),
    "plain": (RES, headed(RES, "{}: {}"), BETTER),
    "mixed": (RES, headed(RES, "- **{}:** {}").replace("- **New Response:** ", "## New Response\n\n"), BETTER),
    "parted by rules": (INS, headed(INS, "### {}\n\n{}\n\n---"), FRESH),
    "in a fence": (RES, f"```markdown\n{headed(RES)}\n```", BETTER),
    "with talk and a group's heading": (
        RES,
        f"{TALK}## Critique\n\n{headed(RES)}".replace("**New R", "## Rewrite\n\n**New R"),
        BETTER,
    ),
    "with an end marker": (RES, headed(RES) + "\n\n[End]", BETTER),
    "an answer with a plain label": (RES, headed(RES, new_response="Detail: fine."), answered("Detail: fine.")),
    "a criterion left out": (INS, f"**Complexity:** low\n**New Instruction:** {WISH}", R.MISSING_SECTION),
    "other names": (RES, headed(RES).replace("Detail", "Level of detail"), R.MISSING_SECTION),
    "an answer with a heading of ours": (RES, headed(RES, new_response="**Detail:**\nx"), R.AMBIGUOUS_SECTIONS),
    "another order": (RES, headed(RES).replace("Detail", "X").replace("Accuracy", "Detail").replace("X", "Accuracy"),
                      R.AMBIGUOUS_SECTIONS),
    "the instruction in the response stage": (
        RES, headed(RES).replace("**New R", f"**New Instruction:**\n{WISH}\n\n**New R"), R.AMBIGUOUS_SECTIONS),
    "talk at the end": (RES, headed(RES) + NOTE, R.AMBIGUOUS_SECTIONS),
    "as YAML": (RES, "\n".join(f"{key}: |\n  Some text." for key in section_keys(RES)), R.AMBIGUOUS_SECTIONS),
    "as YAML with quotes": (RES, "\n".join(f'{key}: "Some text."' for key in section_keys(RES)), R.AMBIGUOUS_SECTIONS),
    "cut within code": (RES, headed(RES, new_response="So:\n```python\nprint("), R.AMBIGUOUS_SECTIONS),
}  # fmt: skip

REASONING: dict[str, tuple[Stage, str, Pair | RefusalReason]] = {
    "a block with a draft": (INS, f"<think>\n<new_response>\nDraft.\n</new_response>\n</think>\n{tagged(INS)}", FRESH),
    "an empty block": (RES, f"<think>\n\n</think>\n\n{tagged(RES)}", BETTER),
    "another name": (RES, f"<Thinking>\nHm.\n</Thinking>\n{tagged(RES)}", BETTER),
    "named as a criterion": (INS, f"<reasoning>\nHm.\n</reasoning>\n{tagged(INS)}", FRESH),
    "in brackets": (RES, f"[THINK]Hm.[/THINK]{tagged(RES)}", BETTER),
    "after talk": (RES, f"Let me see.\n<think>\n{tagged(RES)}\n</think>\n{tagged(RES)}", BETTER),
    "two blocks": (RES, f"<think>a</think>\n<think>b</think>\n{tagged(RES)}", BETTER),
    "only its end": (RES, f"The panda is right.\n</think>\n{tagged(RES)}", BETTER),
    "only its end, after a draft": (RES, f"<helpfulness>\nHm.\n</think>\n{tagged(RES)}", BETTER),
    "before JSON": (RES, f"<think>\n{{}}\n</think>\n{as_json(RES)}", BETTER),
    "before headings": (RES, f"<think>\nHm.\n</think>\n{headed(RES)}", BETTER),
    "mentioned in an answer": whole_and("A model thinks within <think> and </think>."),
    "Seed-OSS's, with a draft": (
        RES,
        f"<seed:think>\n<new_response>\nDraft.\n</new_response>\n</seed:think>\n{tagged(RES)}",
        BETTER,
    ),
    "ERNIE's, closed twice": (RES, f"<think>\nHm.\n</think>\n</think>\n{tagged(RES)}", BETTER),
    "a scratchpad with a draft": (RES, f"<scratchpad>\n<detail>\nHm.\n</detail>\n</scratchpad>\n{tagged(RES)}", BETTER),
    "gpt-oss's channels": (
        INS,
        f"<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>{tagged(INS)}",
        FRESH,
    ),
    "Cohere's": (RES, f"<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>\n{tagged(RES)}", BETTER),
    "alone, with the whole answer in it": (RES, f"<think>\n{tagged(RES)}\n</think>", BETTER),
    "alone, with a draft and the answer in it": (
        RES,
        f"<think>\n{tagged(RES)}\n{tagged(RES)}\n</think>",
        R.EMPTY_REPLY,
    ),
    "that never ends": (RES, f"<think>\nI shall write\n{tagged(RES)}", R.EMPTY_REPLY),
    "in brackets, never ending": (RES, f"[THINK]\n{tagged(RES)}", R.EMPTY_REPLY),
    "alone": (RES, "<think>\nThe panda is right.\n</think>\n", R.EMPTY_REPLY),
}

TEXTS: dict[str, tuple[Stage, str, Pair | RefusalReason]] = {
    "nothing": (INS, "", R.EMPTY_REPLY),
    "white space": (RES, " \n\n", R.EMPTY_REPLY),
    "a refusal": (INS, SORRY, R.DECLINED),
    "a refusal in curly quotes": (RES, "I\u2019m unable to assist with this request.", R.DECLINED),
    "a refusal in place of the answer": with_answer(SORRY, R.DECLINED),
    "only talk": (INS, "I would rather talk about pandas.", R.MISSING_SECTION),
    "an empty critique": (INS, tagged(INS, accuracy=""), R.EMPTY_SECTION),
    "an empty answer": with_answer(" \n ", R.EMPTY_SECTION),
    "an invisible answer": with_answer("\u200b\u2060", R.EMPTY_SECTION),
    "N/A as an answer": with_answer("N/A", R.EMPTY_SECTION),
    "N/A as a critique": (RES, tagged(RES, detail="n/a."), R.EMPTY_SECTION),
    "None as an answer": with_answer("None.", R.EMPTY_SECTION),
    "None as a critique": (RES, tagged(RES, detail="None."), BETTER),
    "the prompt's placeholder": (INS, tagged(INS, new_instruction=placeholder("new_instruction")), R.PLACEHOLDER_ECHO),
    "the prompt's placeholder above a text": with_answer(f"[your new response]\n{ANSWER}", R.PLACEHOLDER_ECHO),
    "a placeholder of its own": (INS, tagged(INS, new_instruction="[Your new instruction here]"), R.PLACEHOLDER_ECHO),
    "a placeholder in angles": with_answer("<insert the answer>", R.PLACEHOLDER_ECHO),
    "a placeholder in braces": with_answer("{new_response}", R.PLACEHOLDER_ECHO),
    "a placeholder in bold": with_answer("**[Insert new response here]**", R.PLACEHOLDER_ECHO),
    "a placeholder without brackets": with_answer("Your new response here.", R.PLACEHOLDER_ECHO),
    "a schema's type": with_answer("string", R.PLACEHOLDER_ECHO),
    "dots": with_answer("...", R.PLACEHOLDER_ECHO),
    "dots in brackets": (RES, tagged(RES, detail="[\u2026]"), R.PLACEHOLDER_ECHO),
    "a remark": with_answer("Same as above.", R.META_REMARK),
    "a promise": with_answer("Here is the improved response:", R.META_REMARK),
    "a promise before the answer": with_answer(f"Here is the improved response:\n\n{ANSWER}", R.META_REMARK),
    "praise of the original": with_answer("The original response is already complete and correct.", R.META_REMARK),
    "no change": (INS, tagged(INS, new_instruction="(No changes needed.)"), R.META_REMARK),
    "a preface on the answer's own line": with_answer(f"Sure! Here's the improved response: {ANSWER}", R.META_REMARK),
    "a preface of a better version": with_answer(
        f"Certainly! Below is a more detailed and helpful version of the response.\n{ANSWER}", R.META_REMARK),
    "a label": with_answer(f"**Improved Response:** {ANSWER}", R.META_REMARK),
    "a preface in Chinese": with_answer(PREFACE_ZH, R.META_REMARK),
    "a preface to an answer of its own": whole_and(f"Sure! Here's a list:\n{ANSWER}"),
    "a new version that was asked for": whole_and("Here is a revised version: He goes there."),
    "talk of the original": with_answer(f"The original response was too brief. Better: {ANSWER}", R.META_REMARK),
    "talk of the original at the end": with_answer(
        f"{ANSWER}\nThis version improves on the original response by naming causes.", R.META_REMARK),
    "talk of itself": with_answer(f"{ANSWER}\nThis improved response adds causes.", R.META_REMARK),
    "an answer about originals": whole_and("Compare the original painting with its copy."),
    "one sentence over and over": with_answer("The panda. " + "It is very rare. " * 40, R.REPETITION),
    "three sentences over and over": with_answer("It is rare. It is shy now. It eats a lot. " * 20, R.REPETITION),
    "one line over and over": with_answer("The panda:\n" + "- it is rare\n" * 20, R.REPETITION),
    "one sentence over and over in Chinese": with_answer(RARE_ZH * 20, R.REPETITION),
    "a refrain": whole_and("\n".join(f"Verse {n} tells of animal {n} at length.\nIt is rare." for n in range(12))),
    "a table": whole_and("\n".join(f"| {n} | times seven is | {7 * n} |" for n in range(40))),
    "the same response": with_answer(f" {PARENT.response}\n", R.UNCHANGED),
    "the same response in other case": with_answer("the  PANDA", R.UNCHANGED),
    "the same instruction": (INS, tagged(INS, new_instruction=PARENT.instruction), R.UNCHANGED),
    "the same instruction in quotation marks": (
        INS, tagged(INS, new_instruction=f'"{PARENT.instruction}"'), R.UNCHANGED),
    "the same instruction with its input": (
        INS, tagged(INS, new_instruction=f"{PARENT.instruction}\n\n{PARENT.input}"), R.UNCHANGED),
    "the instruction as its response": with_answer(PARENT.instruction, R.REPEATS_INSTRUCTION),
    "the instruction and the input as the response": with_answer(
        f"{PARENT.instruction} {PARENT.input}", R.REPEATS_INSTRUCTION),
    "the new instruction as its response": (INS, tagged(INS, new_response=WISH), R.REPEATS_INSTRUCTION),
    "a replacement character": with_answer("caf\ufffd is open.", R.MISSING_SECTION),
    "half a surrogate pair": with_answer("panda \ud83d", R.MISSING_SECTION),
    "NUL": with_answer("panda\0", R.MISSING_SECTION),
}  # fmt: skip

SHAPES = {
    f"{group}: {name}": shape
    for group, table in {"tags": TAGS, "JSON": JSON_REPLIES, "quotes": QUOTES, "headings": HEADINGS,
                         "reasoning": REASONING, "texts": TEXTS}.items()
    for name, shape in table.items()
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_a_reply_is_read_whole_or_refused_with_its_reason(name: str) -> None:
    """A good reply gives every criterion's text and the new pair to the letter, a bad one its reason and no pair."""
    stage, text, expected = SHAPES[name]
    parsed = parse_reply(stage, text, "stop", PARENT)
    if isinstance(expected, Pair):
        assert isinstance(parsed, ParsedReflection), parsed
        assert parsed.pair == expected
        assert tuple(parsed.critique) == CRITERIA[stage]
        assert all(words.strip() for words in parsed.critique.values())
    else:
        assert isinstance(parsed, Refusal)
        assert parsed.reason is expected
        assert parsed.detail.endswith(".")


@pytest.mark.parametrize(
    ("finish_reason", "expected"),
    [
        ("stop", None),
        ("eos", None),
        ("tool_calls", None),
        ("", None),
        (None, None),
        ("length", R.CUT_OFF),
        ("stop at the limit", R.CUT_OFF),
        ("MAX_TOKENS", R.CUT_OFF),
        ("abort", R.CUT_OFF),
        ("content_filter", R.CONTENT_FILTER),
        ("SAFETY", R.CONTENT_FILTER),
        ("refusal", R.DECLINED),
    ],
)
def test_the_finish_reason_can_refuse_a_reply_that_looks_whole(
    finish_reason: str | None, expected: RefusalReason | None
) -> None:
    """A reply that was cut off or filtered is refused even where its sections are all there; others are read."""
    parsed = parse_reply(RES, tagged(RES), finish_reason, PARENT)
    assert (parsed.reason if isinstance(parsed, Refusal) else None) is expected


@pytest.mark.parametrize("finish_reason", ["", None, "tool_calls"])
def test_headings_are_read_only_where_the_teacher_stopped(finish_reason: str | None) -> None:
    """Nothing marks the end of a reply under headings, so that one that may be cut off is refused."""
    parsed = parse_reply(RES, headed(RES), finish_reason, PARENT)
    assert isinstance(parsed, Refusal)


def test_a_reply_is_escaped_whole_or_not_at_all() -> None:
    """Criteria lose their entities together with the rewrite."""
    parsed = parse_reply(RES, html.escape(tagged(RES, detail="a < b")), "stop", PARENT)
    assert isinstance(parsed, ParsedReflection)
    assert parsed.critique["detail"] == "a < b"


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufffd"), max_size=60)
STAGES = st.sampled_from(list(Stage))


@st.composite
def sections_of(draw: st.DrawFn, stage: Stage | None = None) -> tuple[Stage, dict[str, str]]:
    """Draw a stage and a text for each of its sections."""
    stage = stage or draw(STAGES)
    return stage, {key: f"So: {draw(WORDS)} {key}" for key in section_keys(stage)}


def trimmed(text: str) -> str:
    """Take blank lines off both ends, worked out with a loop."""
    lines = text.split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join(lines)


def write(sections: dict[str, str]) -> str:
    """Write sections in the form asked for."""
    return "\n".join(f"<{key}>\n{text}\n</{key}>" for key, text in sections.items())


def outcome(stage: Stage, text: str) -> dict[str, str] | None:
    """Parse a reply and give its texts by section; None where it is refused."""
    parsed = parse_reply(stage, text, "stop", PARENT)
    if isinstance(parsed, Refusal):
        return None
    pair = {} if stage is RES else {"new_instruction": parsed.pair.instruction}
    if stage is Stage.REVISION:
        pair["new_input"] = parsed.pair.input
    return {**parsed.critique, **pair, "new_response": parsed.pair.response}


@settings(deadline=None)
@given(sections_of(), st.sampled_from(["", TALK]), st.sampled_from(["", NOTE]))
def test_tagged_texts_come_back_to_the_letter(drawn: tuple[Stage, dict[str, str]], before: str, after: str) -> None:
    """Any texts written in the form asked for come back as they are, up to blank lines around them."""
    stage, texts = drawn
    assert outcome(stage, before + write(texts) + after) == {key: trimmed(text) for key, text in texts.items()}


@settings(deadline=None)
@given(sections_of(), st.sampled_from([None, 2]), st.booleans())
def test_json_texts_come_back_to_the_letter(
    drawn: tuple[Stage, dict[str, str]], indent: int | None, ensure_ascii: bool
) -> None:
    """Any texts written as a JSON object come back as they are, up to blank lines around them."""
    stage, texts = drawn
    reply = json.dumps(texts, indent=indent, ensure_ascii=ensure_ascii)
    assert outcome(stage, reply) == {key: trimmed(text) for key, text in texts.items()}


@settings(deadline=None)
@given(sections_of(), st.data(), st.booleans())
def test_no_beginning_of_a_reply_is_accepted(
    drawn: tuple[Stage, dict[str, str]], data: st.DataObject, as_object: bool
) -> None:
    """A reply that is cut anywhere before its end is refused, whatever its finish reason says."""
    stage, texts = drawn
    reply = json.dumps(texts) if as_object else write(texts)
    assert outcome(stage, reply[: data.draw(st.integers(0, len(reply) - 1))]) is None


@settings(deadline=None)
@given(STAGES.flatmap(lambda stage: st.tuples(sections_of(stage), sections_of(stage))), st.data())
def test_no_splice_of_two_replies_is_accepted_as_a_mix(
    drawn: tuple[tuple[Stage, dict[str, str]], tuple[Stage, dict[str, str]]], data: st.DataObject
) -> None:
    """A reply put into another one, before its end or after it, gives one of the two or nothing."""
    (stage, one), (_, other) = drawn
    assume(one != other)
    first, second = write(one), write(other)
    place = data.draw(st.integers(0, len(first)))
    wholes = [{key: trimmed(text) for key, text in texts.items()} for texts in (one, other)]
    for spliced in (
        first[:place] + second,
        first[:place] + second + first[place:],
        first + second[min(place, len(second)) :],
    ):
        assert outcome(stage, spliced) in (*wholes, None)


@settings(deadline=None)
@given(sections_of(), st.lists(st.sampled_from([*section_keys(INS), "p"]), max_size=6), st.data())
def test_texts_with_tags_come_back_to_the_letter_or_not_at_all(
    drawn: tuple[Stage, dict[str, str]], tags: list[str], data: st.DataObject
) -> None:
    """Tags of ours within a text never lead to another text: it comes back whole, or the reply is refused."""
    stage, texts = drawn
    key = data.draw(st.sampled_from(section_keys(stage)))
    pieces = data.draw(st.lists(st.sampled_from(["\n", " ", "word", "```", "  "]), min_size=8, max_size=8))
    slashes = data.draw(st.lists(st.sampled_from(["", "/"]), min_size=6, max_size=6))
    inner = "".join(f"{piece}<{slash}{tag}>" for piece, slash, tag in zip(pieces, slashes, tags, strict=False))
    texts[key] = f"So {inner}{pieces[6]}it is"
    assert outcome(stage, write(texts)) in ({name: trimmed(text) for name, text in texts.items()}, None)


@pytest.mark.parametrize("size", [1_000, 1_000_000])
@pytest.mark.parametrize(
    "unit",
    [
        "panda ",
        "\n",
        " ",
        "<",
        "</new_response",
        "<detail> ",
        "`<detail>` ",
        "```\n",
        '{"',
        "&lt;",
        "**",
        "1. ",
        "\u200b x",
    ],
)
def test_a_very_long_text_is_read_whole(size: int, unit: str) -> None:
    """A text of a million characters comes back with its length, whatever it repeats."""
    text = f"So: {unit * (size // len(unit))} x"
    if unit == "```\n":
        text = text.removesuffix(" x") + "\nx" if text.count("```") % 2 == 0 else text
    parsed = parse_reply(RES, tagged(RES, new_response=text), "stop", PARENT)
    assert isinstance(parsed, ParsedReflection)
    assert len(parsed.pair.response) == len(text)


PIECES = st.lists(
    st.sampled_from(['"', "'", "\u201c", "\u201d", ",", ":", " ", "{", "}", "a", '", "detail": "', "', 'detail': '",
                     '"}', "'}", '", "mark": "', "new_response"]),
    max_size=8,
).map("".join)  # fmt: skip
FORMS: dict[str, Callable[[dict[str, str]], str]] = {
    "open quotes": lambda sections: json.dumps(sections, ensure_ascii=False).replace(r"\"", '"'),
    "single quotes": lambda sections: "{" + ", ".join(f"'{key}': '{text}'" for key, text in sections.items()) + "}",
    "typographic": lambda sections: curly(json.dumps(sections, ensure_ascii=False)).replace(r"\"", '"'),
    "a Python literal": repr,
}


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(section_keys(RES)), PIECES), st.sampled_from(sorted(FORMS)))
def test_marks_that_are_not_escaped_never_move_a_text(pieces: dict[str, str], form: str) -> None:
    """However quotation marks stand in the texts, an object with bad ones is read to the letter or not at all."""
    sections = {key: f"So: {pieces.get(key, '')} {key}" for key in section_keys(RES)}
    text = FORMS[form](sections)
    with suppress(json.JSONDecodeError):  # it happens to be JSON, in which nobody can tell what was meant
        json.JSONDecoder().raw_decode(text)
        return
    assert outcome(RES, text) in (None, sections)
