"""What a teacher's model costs: the project's own prices first, then those that come with the source."""

import math
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from srt_core.errors import TeacherError
from srt_core.project.store import Store

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens; the Batch API costs `batch_share` of that."""

    input: float
    output: float
    batch_share: float = 1.0
    listed: str = field(default="", compare=False)
    """When the vendor's list had it, such as "June 2025"; "" for a price that the curator gave."""

    def cost(
        self, prompt_tokens: float | None, completion_tokens: float | None, *, is_batch: bool = False
    ) -> float | None:
        """Return the cost of a call in US dollars; None where the endpoint did not count its tokens."""
        if prompt_tokens is None or completion_tokens is None:
            return None
        full = (prompt_tokens * self.input + completion_tokens * self.output) / MILLION
        return full * self.batch_share if is_batch else full


def price_of(store: Store, model: str) -> Price | None:
    """Return the price of a model; None if unknown. A name that ends in a date is priced as the name without it."""
    rows = store.rows("SELECT input, output, batch_share FROM price WHERE model = ?", [model])
    if rows:
        return Price(**rows[0])
    known = _shipped_prices()
    return known.get(model) or known.get(re.sub(r"-\d{4}-\d{2}-\d{2}$", "", model))


def set_price(store: Store, model: str, price: Price) -> None:
    """Store a price in the project. TeacherError where it is no amount of money."""
    amounts = (price.input, price.output, price.batch_share)
    if not all(math.isfinite(amount) and amount >= 0 for amount in amounts):
        raise TeacherError(f"The price {amounts} is no amount of money.", "Give US dollars a million tokens.")
    with store.transaction() as tx:
        tx.execute("INSERT OR REPLACE INTO price VALUES (?, ?, ?, ?)", [model, *amounts])


@cache
def _shipped_prices() -> dict[str, Price]:
    text = files(__package__).joinpath("prices.toml").read_text(encoding="utf-8")
    found = tomllib.loads(text)
    listed = found.pop("listed")
    return {model: Price(**amounts, listed=listed) for model, amounts in found.items()}
