"""What reflecting is told: shared by the steps reflect, trial and estimate, which are asked with the same arguments."""

from enum import StrEnum
from pathlib import Path

from srt_core.reflect.prompts import ReplyFormat
from srt_core.score.templates import TEMPLATE_NAMES
from srt_core.steps.step import Argument, Field, Option, Reach, Row, Widget

TEACHER, ARMS, RUN, MONEY, BATCH = "Teacher", "Several teachers", "Run", "Money", "Batch"
ENDPOINT_FORM, REPLAY_FORM, ARMS_FORM, MODE_FORM, STUDENT_FORM, MORE_FORM, LIVE_FORM = (
    "endpoint", "replay", "arms", "mode", "student", "more", "live",
)  # fmt: skip
"""Parts of the form: which of them are drawn depends on what was chosen in others."""


class Mode(StrEnum):
    """Two ways to spend a teacher's calls, the same decisions from both (METHOD, section 2)."""

    FULL = "full"
    """All four candidates: 3 calls a sample, any limit can move later."""
    SEQUENTIAL = "sequential"
    """The response reflection only for the winner of the instruction stage: 2 calls a sample."""


_TEACHER_ARGUMENTS = (
    Argument(
        "base_url",
        str | None,
        option=Option("An OpenAI-compatible endpoint, such as http://localhost:8000/v1."),
        field=Field(
            "Base URL", "Any server that speaks OpenAI's chat completions.", placeholder="http://127.0.0.1:8000/v1"
        ),
        group=TEACHER,
        reach=Reach.HOST,
    ),
    Argument(
        "model",
        str | None,
        option=Option("The model's name at that endpoint."),
        field=Field("Model", "As the server knows it."),
        group=TEACHER,
    ),
    Argument(
        "key_variable",
        str,
        "OPENAI_API_KEY",
        option=Option("The environment variable that holds the key."),
        field=Field(
            "Variable with the key",
            "The name of an environment variable of this server. The key itself is never asked for, shown or stored.",
        ),
        group=TEACHER,
        reach=Reach.KEY,
    ),
    Argument(
        "replay",
        Path | None,
        option=Option("A file of recorded replies, in place of an endpoint."),
        field=Field(
            "File of recorded replies on this server",
            "JSON Lines, one call a line: stage, instruction, input, response, reply, finish_reason.",
            key="replay_path",
            placeholder="/data/replies.jsonl",
        ),
        group=TEACHER,
        reach=Reach.FILE,
    ),
    Argument(
        "prompts",
        Path | None,
        option=Option("Prompts of your own; `srt prompts` prints ours."),
        field=Field(
            "Prompts file on this server",
            "A copy of ours with your wording. Rewrites of other prompts stand beside those "
            "there are; Thresholds chooses whose are taken.",
            key="prompts_path",
            placeholder="those that come with srt",
        ),
        group=TEACHER,
        is_expert=True,
        reach=Reach.FILE,
    ),
    Argument(
        "reply_format",
        ReplyFormat | None,
        option=Option("json: by a schema; sections: by tags. Found by trying where not given."),
        field=Field(
            "Form of the reply",
            "json: by a schema, where the server holds to it; sections: by tags.",
            Widget.LIST,
            choices={"": "found by trying"} | {str(each): str(each) for each in ReplyFormat},
        ),
        group=TEACHER,
        is_expert=True,
    ),
    Argument(
        "temperature",
        float,
        0.0,
        option=Option("0: the likeliest words.", low=0, high=2),
        field=Field("Temperature", "0: the likeliest words.", Widget.NUMBER, low=0, high=2),
        group=TEACHER,
        is_expert=True,
    ),
    Argument(
        "is_without_temperature",
        bool,
        False,
        option=Option("Send no temperature: the teacher's own.", "no-temperature"),
        field=Field("Send no temperature", "The teacher's own is used.", Widget.SWITCH),
        group=TEACHER,
        is_expert=True,
    ),
    Argument(
        "extra_body",
        str,
        "",
        option=Option(
            'Further fields of each request, as JSON, such as \'{"reasoning_effort": "low"}\'. No key: it is stored.'
        ),
        field=Field(
            "Further fields of each request",
            "A JSON object that goes into every request, such as what turns a model's thinking off. Not for a key: "
            "it is stored with the run.",
            placeholder='{"reasoning_effort": "low"}',
        ),
        group=TEACHER,
        is_expert=True,
    ),
    Argument(
        "forget_settings",
        bool,
        False,
        option=Option("Ask as usual again: forget what this teacher refused of its requests before."),
        group=TEACHER,
    ),
    Argument(
        "max_tokens",
        int,
        2048,
        option=Option("Tokens of a reply, at most.", low=16),
        field=Field("Tokens of a reply, at most", widget=Widget.NUMBER, low=16),
        group=TEACHER,
        is_expert=True,
    ),
    Argument(
        "deadline_seconds",
        float,
        120.0,
        option=Option("Seconds that a whole call may take.", "deadline", low=0.1),
        field=Field("Seconds a call may take", widget=Widget.NUMBER, key="deadline", low=1),
        group=TEACHER,
        is_expert=True,
    ),
)

_ARMS_ARGUMENTS = (
    Argument(
        "arms",
        Path | None,
        option=Option("A file of teachers, in place of one: some are drawn for each sample (docs/methods.md)."),
        field=Field(
            "File of teachers on this server",
            "TOML: a table [[arm]] for each, with name, base_url and model. Some are drawn for each sample.",
            key="arms_path",
            placeholder="/data/arms.toml",
        ),
        group=ARMS,
        reach=Reach.FILE,
    ),
    Argument(
        "draw",
        int,
        2,
        option=Option("How many are drawn for a sample.", low=1),
        field=Field("Drawn for each sample", widget=Widget.NUMBER, key="arms_draw", low=1),
        group=ARMS,
    ),
    Argument(
        "draw_for",
        int | None,
        option=Option(
            "Draw for so many further samples, at most: what people choose of them tells the next draw.", low=1
        ),
        field=Field(
            "Samples to draw for now",
            "What people choose of them tells the next draw, so begin with few.",
            Widget.NUMBER,
            key="arms_draw_for",
            low=1,
            placeholder="all",
        ),
        group=ARMS,
    ),
    Argument("seed", int, 0, option=Option("Of the draw."), group=ARMS),
)

_RUN_ARGUMENTS = (
    Argument(
        "mode",
        Mode,
        Mode.FULL,
        option=Option("full: 3 calls a sample; sequential: 2, the same decisions."),
        field=Field(
            "Mode",
            widget=Widget.RADIO,
            choices={str(each): each.capitalize() for each in Mode},
            captions=(
                "Every rewrite of every sample: 3 calls each. Any limit can move later.",
                "2 calls each and the same decisions: the response of what won the instruction stage alone. With "
                "a student below it scores as it goes; without one, score after the instruction rewrites, then "
                "reflect again.",
            ),
        ),
        group=RUN,
    ),
    Argument(
        "student",
        str,
        "",
        option=Option("In sequential mode: score beside the calls, in one run."),
        field=Field(
            "Student that scores beside the calls (a folder on this server, or a hub name)",
            key="reflect_student",
            placeholder="none: score by hand, then reflect again",
        ),
        group=RUN,
        reach=Reach.STUDENT,
    ),
    Argument(
        "template",
        str,
        "alpaca",
        option=Option("That student's template."),
        field=Field(
            "Template",
            "The prompt that the student will be trained with.",
            Widget.LIST,
            key="reflect_template",
            choices={name: name for name in TEMPLATE_NAMES},
        ),
        group=RUN,
        reach=Reach.FILE,
    ),
    Argument(
        "concurrency",
        int,
        16,
        option=Option("Calls under way at once, at most.", low=1, high=1024),
        field=Field(
            "Calls at once", "At most: fewer where the server asks for fewer.", Widget.NUMBER, low=1, high=1024
        ),
        group=RUN,
        is_expert=True,
    ),
    Argument(
        "requests_per_minute",
        float | None,
        option=Option("Requests a minute, at most.", "rpm", low=0.1),
        field=Field("Requests a minute", widget=Widget.NUMBER, key="rpm", low=0.1, placeholder="no limit"),
        group=RUN,
        is_expert=True,
    ),
    Argument(
        "tokens_per_minute",
        float | None,
        option=Option("Tokens a minute, at most.", "tpm", low=1),
        field=Field("Tokens a minute", widget=Widget.NUMBER, key="tpm", low=1, placeholder="no limit"),
        group=RUN,
        is_expert=True,
    ),
    Argument(
        "samples",
        int | None,
        option=Option("Show what is sent about so many samples and the replies; stop.", "try", low=1, runs="trial"),
        group=RUN,
    ),
    Argument("retry_failed", bool, False, option=Option("Ask again where replies were refused before."), group=RUN),
    Argument("note", str, "", option=Option("With --retry-failed: a word to the teacher."), group=RUN),
    Argument(
        "parse_again",
        bool,
        False,
        option=Option("Read refused replies again, without a call; stop.", runs="parse_again"),
        group=RUN,
    ),
    Argument("only", tuple[str, ...], ()),
)

_MONEY_ARGUMENTS = (
    Argument(
        "estimate",
        bool,
        False,
        option=Option("Say what is missing, in calls, tokens and dollars; stop.", runs="estimate"),
        group=MONEY,
    ),
    Argument(
        "max_calls",
        int | None,
        option=Option("Pause at so many calls of this teacher and prompts, ever.", low=1),
        field=Field("Stop at calls", widget=Widget.NUMBER, low=1, placeholder="no cap"),
        group=MONEY,
    ),
    Argument(
        "max_cost",
        float | None,
        option=Option("Pause at so many US dollars, in the same way.", low=0),
        field=Field("Stop at $", widget=Widget.NUMBER, low=0, step=1, placeholder="no cap"),
        group=MONEY,
    ),
    Argument(
        "price_input",
        float | None,
        option=Option("US dollars a million tokens sent; remembered.", low=0),
        group=MONEY,
    ),
    Argument(
        "price_output",
        float | None,
        option=Option("US dollars a million tokens written; remembered.", low=0),
        group=MONEY,
    ),
    Argument(
        "price_batch",
        float | None,
        option=Option("Which share of that a batch costs; remembered.", low=0),
        group=MONEY,
    ),
)

_BATCH_ARGUMENTS = (
    Argument(
        "is_batch",
        bool,
        False,
        option=Option("Ask by the Batch API. Leave it at any time; the same goes on.", "batch"),
        field=Field(
            "By the Batch API",
            "Cheaper, within a day. Pause it and come back: nothing is lost.",
            Widget.SWITCH,
        ),
        group=BATCH,
        is_expert=True,
    ),
    Argument("wait", bool, True, option=Option("Wait until all is done, or fetch, send and return."), group=BATCH),
    Argument("poll_seconds", float, 30.0, option=Option("How often to look.", low=0.05), group=BATCH),
    Argument(
        "forget_batch", bool, False, option=Option("Give up what is not fetched: it is paid for again."), group=BATCH
    ),
)

ARGUMENTS = _TEACHER_ARGUMENTS + _ARMS_ARGUMENTS + _RUN_ARGUMENTS + _MONEY_ARGUMENTS + _BATCH_ARGUMENTS

ROWS = (
    Row(("base_url", "model", "key_variable"), (3, 2, 2), ENDPOINT_FORM),
    Row(("replay",), part=REPLAY_FORM),
    Row(("arms", "draw", "draw_for"), (3, 1, 1), ARMS_FORM),
    Row(("mode",), part=MODE_FORM),
    Row(("student", "template"), (4, 2), STUDENT_FORM),
    Row(("prompts",), part=MORE_FORM),
    Row(("concurrency", "requests_per_minute", "tokens_per_minute", "deadline_seconds"), part=LIVE_FORM),
    Row(("temperature", "max_tokens", "reply_format", "is_batch"), part=LIVE_FORM, align="bottom"),
    Row(("extra_body", "is_without_temperature"), (3, 1), part=LIVE_FORM, align="bottom"),
)
