"""The encoder that is fitted on a project's own texts: opened again where it was fitted before."""

from collections.abc import Sequence
from dataclasses import dataclass

from srt_core.project.candidates import DRAWN
from srt_core.project.store import Store
from srt_core.vectors.encodings import Recipe, state_of
from srt_core.vectors.tfidf import Tfidf, fit_tfidf

FITTED = 40_000
"""Originals that it is fitted on."""
READ_CHARACTERS = 4_000
"""Of each text."""
NAME = "tfidf"


@dataclass(frozen=True, slots=True)
class TfidfEncoder:
    """Vectors by the words that texts share."""

    model: Tfidf
    name: str = NAME

    @property
    def fingerprint(self) -> str:
        """The model's."""
        return self.model.fingerprint

    @property
    def dimensions(self) -> int:
        """The model's."""
        return self.model.dimensions

    @property
    def state(self) -> bytes:
        """The model, which was fitted on this project alone."""
        return self.model.to_bytes()

    def encode(self, texts: Sequence[str]) -> Sequence[Sequence[float] | None]:
        """Return a vector a text; None for one without words that count."""
        points = self.model.encode([text[:READ_CHARACTERS] for text in texts])
        return [point.tolist() if point.any() else None for point in points]


def open_tfidf(store: Store, recipe: Recipe) -> TfidfEncoder:
    """Return the encoder of this project: as it was fitted before with this recipe, else fitted on its originals now.

    An encoder that is fitted stays as it is when samples are added, so that what is computed stays comparable.
    """
    if state := state_of(store, NAME, recipe):
        return TfidfEncoder(Tfidf.from_bytes(state))
    rows = store.rows(
        f"""SELECT left({recipe.sql}, {READ_CHARACTERS}) AS text FROM candidate
            WHERE candidate_id IN {DRAWN} ORDER BY candidate_id""",
        [FITTED],
    )
    return TfidfEncoder(fit_tfidf([row["text"] for row in rows]))
