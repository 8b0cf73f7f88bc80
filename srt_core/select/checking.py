"""Whether the derived tables are what the candidates, scores and policy give."""

from collections.abc import Iterator

from srt_core.errors import PolicyError
from srt_core.methods import MEASURES
from srt_core.project.checking import Check, Fault, differing, rule
from srt_core.project.derived import panel_columns, selection_columns
from srt_core.project.store import Store
from srt_core.select.derive import is_behind
from srt_core.select.panel import panel_of
from srt_core.select.policy import applied_policy
from srt_core.select.rule import parameters
from srt_core.select.rule import rule as rule_under


def _find(store: Store) -> Iterator[Fault]:
    """Compare both tables; those that are behind the data are computed again when somebody reads them."""
    try:
        policy = applied_policy(store)
        if is_behind(store):
            return
    except PolicyError as error:
        yield Fault(f"the rule: cannot be checked. {error.message}")
        return
    measures = tuple(MEASURES.values())
    panel, chosen = panel_of("scoring_id", "producer"), {"producer": policy.producer, "scoring_id": store.scoring_id()}
    selected = f"SELECT * EXCLUDE (policy) FROM ({rule_under([policy], with_closeness=True)})"
    text = "samples are not what the {} give: {}"
    for table, columns, computed, values, made_of in (
        ("panel", panel_columns(measures), panel, chosen, "candidates and scores"),
        ("selection", selection_columns(measures), selected, parameters([policy]), "panel and policy"),
    ):
        found = rule(table, text.format(made_of, table), differing(table, columns, computed), values)
        yield from found.find(store)


DERIVED = Check("what the rule selects", _find)
