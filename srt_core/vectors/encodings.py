"""Encodings: an encoder with a text recipe. Its vectors are kept, computed once, and never compared with another's."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from srt_core.errors import ProjectError
from srt_core.project.store import Store
from srt_core.project.transaction import Transaction


class Recipe(StrEnum):
    """Which text of a version becomes a vector."""

    PAIR = "pair"
    """Instruction, input and response, a line break between them (Superfiltering.D, arXiv 2402.00530)."""
    PROMPT = "prompt"
    """Instruction and input: what is asked."""

    @property
    def sql(self) -> str:
        """The text, as an expression over instruction, input and response."""
        asked = "instruction || chr(10) || input"
        return f"{asked} || chr(10) || response" if self is Recipe.PAIR else asked


class Encoder(Protocol):
    """What makes vectors of texts."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def fingerprint(self) -> str:
        """A hash of all that its vectors depend on besides the text."""

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""

    @property
    def state(self) -> bytes | None:
        """What has to be kept to open it again; None where it can be opened by its name."""

    def encode(self, texts: Sequence[str]) -> Sequence[Sequence[float] | None]:
        """Return a vector a text, of any length but 0; None where a text has none.

        Raises:
            StudentError: the model cannot compute a text.
        """


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoder with a recipe, as a project knows it."""

    encoding_id: int
    encoder: str
    fingerprint: str
    recipe: Recipe
    dimensions: int
    vectors: int
    """How many versions have a vector under it."""


def encodings(store: Store) -> list[Encoding]:
    """Return the encodings of a project, the first one first."""
    return store.read(
        Encoding,
        """SELECT encoding_id, encoder, fingerprint, recipe, dimensions,
                  (SELECT count(vector) FROM vector WHERE vector.encoding_id = encoding.encoding_id) AS vectors
           FROM encoding ORDER BY encoding_id""",
    )


def encoding_in_use(store: Store) -> Encoding | None:
    """Return the encoding that measures and searches read: the one last asked for; None where there is none."""
    in_use = store.encoding_id()
    return next((each for each in encodings(store) if each.encoding_id == in_use), None)


def use_encoding(store: Store, encoding_id: int) -> None:
    """Have measures and searches read another encoding's vectors; ProjectError where there is no such one."""
    with store.transaction() as tx:
        if not tx.execute("SELECT 1 FROM encoding WHERE encoding_id = ?", [encoding_id]):
            raise ProjectError(f"There is no encoding {encoding_id}.", "`srt encode` makes one.")
        _take(tx, encoding_id)


def begin_encoding(store: Store, encoder: Encoder, recipe: Recipe, *, in_use: bool = True) -> int:
    """Return the encoding of an encoder and a recipe, made where it is new; `in_use`: have it used from now on."""
    with store.transaction() as tx:
        tx.execute(
            """INSERT INTO encoding (encoder, fingerprint, recipe, dimensions, state) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT DO NOTHING""",
            [encoder.name, encoder.fingerprint, recipe, encoder.dimensions, encoder.state],
        )
        sql = "SELECT encoding_id FROM encoding WHERE fingerprint = ? AND recipe = ?"
        found = int(tx.execute(sql, [encoder.fingerprint, recipe])[0][0])
        if in_use:
            _take(tx, found)
    return found


def _take(tx: Transaction, encoding_id: int) -> None:
    if tx.meta("encoding_id") != str(encoding_id):
        tx.set_meta("encoding_id", str(encoding_id))
        tx.bump()


def state_of(store: Store, encoder: str, recipe: Recipe) -> bytes | None:
    """Return what was kept to open an encoder again that was used with a recipe; None where it was not."""
    state: bytes | None = store.value(
        "SELECT state FROM encoding WHERE encoder = ? AND recipe = ? ORDER BY encoding_id DESC", [encoder, recipe]
    )
    return state
