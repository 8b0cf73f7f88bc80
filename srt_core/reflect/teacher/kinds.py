"""How a call may end: the closed list of outcomes, and for each what is said of it and what the run does."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final


class Effect(Enum):
    """What a run does after a call."""

    KEEP = auto()
    RETRY = auto()
    """The same request may be answered a moment later."""
    REWRITE = auto()
    """The same request is sent with its settings put otherwise."""
    FAIL = auto()
    """The request has failed as it is, and others may for the same reason."""
    SKIP = auto()
    """The request has failed for a reason of its own, which is no sign of trouble at the server."""
    STOP = auto()
    """Every further call would fail in the same way."""
    STOP_UNLESS_ANSWERED = auto()
    """The same, unless the teacher has answered before in this run: then it may be a moment's trouble."""


class CallOutcome(StrEnum):
    """How a call ended; the list is closed. Only ANSWERED has a reply."""

    ANSWERED = "answered"
    RATE_LIMITED = "rate_limited"
    LOADING = "loading"
    """The server still loads the model."""
    SERVER_ERROR = "server_error"
    TIMED_OUT = "timed_out"
    CONNECTION_BROKE = "connection_broke"
    NO_COMPLETION = "no_completion"
    """The response was successful but held no chat completion with a text."""
    JSON_FAILED = "json_failed"
    """The model wrote no JSON of the schema, and its server kept that back."""
    REQUEST_REFUSED = "request_refused"
    TOO_LONG = "too_long"
    """The request does not fit into the model's context."""
    CONTENT_FILTER = "content_filter"
    SETTING_REFUSED = "setting_refused"
    """The server refused the name of a setting; further requests use another name or leave the setting out."""
    FORMAT_REFUSED = "format_refused"
    """The server does not support a JSON schema."""
    OPTION_REFUSED = "option_refused"
    """The server refuses a setting in every way that there is to put it: the curator has to give another."""
    NOT_RECORDED = "not_recorded"
    UNREACHABLE = "unreachable"
    NOT_TRUSTED = "not_trusted"
    """The server's certificate is not signed by anybody whom this machine trusts."""
    WRONG_ADDRESS = "wrong_address"
    """Something else than a chat endpoint answers."""
    KEY_REFUSED = "key_refused"
    NOT_SERVED = "not_served"
    """The provider, or a gatekeeper before it, serves nobody from this country or network."""
    UNKNOWN_MODEL = "unknown_model"
    QUOTA_SPENT = "quota_spent"
    """The account is empty: no wait helps."""
    DAY_SPENT = "day_spent"
    """What the account may ask for in a day or a month is used up."""

    @property
    def passes(self) -> bool:
        """Whether the failure may be temporary: the same request may be answered a moment later."""
        return KINDS[self].effect in (Effect.RETRY, Effect.REWRITE, Effect.STOP_UNLESS_ANSWERED)

    @property
    def stops(self) -> bool:
        """Whether every further call would fail in the same way, at least where none was answered yet."""
        return KINDS[self].effect in (Effect.STOP, Effect.STOP_UNLESS_ANSWERED)

    @property
    def is_about_one(self) -> bool:
        """Whether the failure concerns this request only, and is no sign of trouble at the server."""
        return KINDS[self].effect is Effect.SKIP


ASK_AGAIN_HINT: Final = "Run the step again to ask again."
NOT_RECORDED_HINT: Final = "Record one, or reflect with a teacher that answers live."


@dataclass(frozen=True, slots=True)
class Kind:
    """What is said of an outcome, after the teacher's name, and what the run does.

    `hint` may name {variable}, the environment variable of the key, and {advice}, what the address lacks.
    """

    effect: Effect
    description: str = ""
    hint: str = ASK_AGAIN_HINT


KINDS: Mapping[CallOutcome, Kind] = {
    CallOutcome.ANSWERED: Kind(Effect.KEEP, hint=""),
    CallOutcome.RATE_LIMITED: Kind(Effect.RETRY, "asks for fewer calls"),
    CallOutcome.LOADING: Kind(Effect.RETRY, "still loads its model"),
    CallOutcome.SERVER_ERROR: Kind(Effect.RETRY, "failed"),
    CallOutcome.TIMED_OUT: Kind(Effect.RETRY, "gave no whole answer in time"),
    CallOutcome.CONNECTION_BROKE: Kind(Effect.RETRY, "broke the connection"),
    CallOutcome.NO_COMPLETION: Kind(Effect.RETRY, "sent no reply"),
    CallOutcome.JSON_FAILED: Kind(Effect.RETRY, "wrote no JSON that its server takes"),
    CallOutcome.SETTING_REFUSED: Kind(Effect.REWRITE, "wants the request in other words"),
    CallOutcome.FORMAT_REFUSED: Kind(Effect.FAIL, "does not take a JSON schema"),
    CallOutcome.OPTION_REFUSED: Kind(Effect.STOP, "does not take a setting"),
    CallOutcome.REQUEST_REFUSED: Kind(Effect.FAIL, "refused the call"),
    CallOutcome.TOO_LONG: Kind(
        Effect.SKIP, "finds the request too long",
        "Prompt and reply have to fit: shorten the pair, give fewer --max-tokens or use a model with a longer context, "
        "then ask again (--retry-failed).",
    ),
    CallOutcome.CONTENT_FILTER: Kind(
        Effect.SKIP, "withheld its reply", "Write this one by hand in Review, or ask another teacher.",
    ),
    CallOutcome.NOT_RECORDED: Kind(Effect.SKIP, hint=NOT_RECORDED_HINT),
    CallOutcome.UNREACHABLE: Kind(
        Effect.STOP_UNLESS_ANSWERED, "cannot be reached",
        "Check the address, and that the server runs; finished reflections are kept.",
    ),
    CallOutcome.NOT_TRUSTED: Kind(
        Effect.STOP, "shows a certificate that this machine does not trust",
        "Set the environment variable SSL_CERT_FILE to a file with that certificate, or with the one that signed it "
        "(PEM), and start again.",
    ),
    CallOutcome.WRONG_ADDRESS: Kind(
        Effect.STOP_UNLESS_ANSWERED, "has no chat completions at this address", "{advice}"
    ),
    CallOutcome.KEY_REFUSED: Kind(
        Effect.STOP, "refuses the key",
        "Set the environment variable {variable} to a key that this server accepts, then start again.",
    ),
    CallOutcome.NOT_SERVED: Kind(
        Effect.STOP, "serves nobody from this country or network",
        "Use another teacher, or reach this one from a place that it serves; finished reflections are kept.",
    ),
    CallOutcome.UNKNOWN_MODEL: Kind(
        Effect.STOP, "does not know the model, or keeps it from this key",
        "Check the model's name: it has to be written as this server writes it.",
    ),
    CallOutcome.QUOTA_SPENT: Kind(
        Effect.STOP, "says that the account is empty or the quota is spent",
        "Top up the account or use another teacher, then go on; finished reflections are kept.",
    ),
    CallOutcome.DAY_SPENT: Kind(
        Effect.STOP, "says that this day's or month's share is used up",
        "Go on when the next one begins, raise the account's limit, or use another teacher; finished reflections are "
        "kept.",
    ),
}  # fmt: skip
