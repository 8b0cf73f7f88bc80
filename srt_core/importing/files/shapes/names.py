"""The names under which records hold their parts, as data: in any case, a blank, dash or underscore alike.

Of several names of one part the first that has a value is taken.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PairNames:
    """One way to name an instruction, with the names of the input and the response beside it."""

    instruction: str
    inputs: tuple[str, ...]
    responses: tuple[str, ...]
    is_plain: bool = True
    """Whether the name says by itself that it is an instruction."""


PAIRS = (
    PairNames(
        "instruction",
        ("input", "context"),
        ("output", "response", "completion", "answer", "target", "chosen", "generation"),
    ),
    PairNames(
        "prompt",
        ("input", "query", "context"),
        ("completion", "response", "output", "answer", "target", "chosen", "generation", "generated_text"),
    ),
    PairNames("query", ("input", "context"), ("response", "answer", "output", "completion", "chosen")),
    PairNames(
        "question",
        ("input", "context"),
        ("answer", "response", "output", "completion", "solution", "chosen", "answers", "best_answer"),
    ),
    PairNames("problem", (), ("solution", "answer", "response")),
    PairNames("definition", ("inputs", "input"), ("targets", "target", "output")),
    PairNames("input", ("context",), ("output", "target", "response", "chosen", "preferred_output", "content")),
    PairNames("inputs_pretokenized", (), ("targets_pretokenized",)),
    PairNames("inputs", (), ("targets", "outputs")),
    PairNames("input_text", (), ("output_text", "target_text")),
    PairNames("content", (), ("summary",)),
    PairNames("human", (), ("assistant", "bot", "gpt")),
    PairNames("user", (), ("assistant", "bot", "gpt")),
    PairNames("user_prompt", (), ("assistant_response", "response")),
    PairNames("user_input", (), ("response", "output")),
    PairNames("request", (), ("response",)),
    PairNames("q", (), ("a",)),
    PairNames("source", (), ("target",), is_plain=False),
    PairNames("src", (), ("tgt",), is_plain=False),
)
"""Alpaca and Dolly, TRL, MetaMathQA, WebInstruct and OpenOrca, NuminaMath, Natural Instructions, firefly, P3, FLAN,
PaLM, adgen, exports of chats, pairs of a translation."""

MESSAGES = ("messages", "conversations", "conversation", "dialogue", "dialog", "turns", "chat", "data")
"""Lists of messages, or of texts whose speakers take turns."""
MAYBE_MESSAGES = ("items", "contents", "utterances", "chat_messages")
"""The same, where no other columns are a pair."""
TREES = ("prompt",)
"""A message with its replies, and theirs."""

CHOSEN = "chosen"
"""The preferred answer of a preference pair, or the whole conversation with it."""

SYSTEM = ("system", "system_prompt", "system_message", "system_instruction", "systeminstruction", "meta_instruction")
HISTORY = ("history",)
INSTANCES = ("instances",)
"""Several inputs and outputs of one instruction."""
INSTANCE_INSTRUCTIONS = ("instruction", "definition")
TEXT = ("text", CHOSEN)
"""Instruction and response in one text."""

MESSAGE_FIELDS = "message_fields"
"""The column in which a sample keeps what its messages had beside role and content, an object a message."""

MEDIA = ("images", "image", "videos", "video", "audios", "audio")

KNOWN_NAMES = frozenset(
    {*MESSAGES, *MAYBE_MESSAGES, CHOSEN, *SYSTEM, *HISTORY, *INSTANCES, *INSTANCE_INSTRUCTIONS, *TEXT, "id"}
    | {name for pair in PAIRS for name in (pair.instruction, *pair.inputs, *pair.responses)}
)


def folded(name: str) -> str:
    """Return a column's name as it is compared."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def is_pair(names: set[str]) -> bool:
    """Whether these folded names hold an instruction and a response."""
    return any(pair.instruction in names and names & set(pair.responses) for pair in PAIRS)
