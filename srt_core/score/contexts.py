"""What stands before a project's pairs, and what of it a template cannot carry: known before anything is scored."""

from collections import Counter
from collections.abc import Mapping, Sequence

from srt_core.project.store import Store
from srt_core.records import AddedLoss, Context, Pair
from srt_core.score.prompts import NotCarriedError, Prompts
from srt_core.score.templates import Template, hash_of

_SHAPES = """
    SELECT roles, count(*) AS candidates FROM candidate JOIN context USING (context_id) GROUP BY roles ORDER BY roles
"""


def has_contexts(store: Store) -> bool:
    """Return whether anything stands before some pair of the project."""
    return bool(store.value("SELECT EXISTS (FROM candidate WHERE context_id IS NOT NULL)"))


def template_hash(store: Store, template: Template, added: Sequence[AddedLoss] = ()) -> str:
    """Return the hash of what the scores of this project depend on: texts of the template, and losses that are added.

    TemplateError where it lacks a text that an added loss stands after.
    """
    own = template.hash_with_contexts if has_contexts(store) else template.hash
    more = [text for each in added for text in (each.name, each.target, template.text(each.after))]
    return hash_of([own, *more]) if more else own


def not_carried(store: Store, prompts: Prompts) -> Mapping[str, int]:
    """Count the candidates that get no score because the template cannot carry their context, by what is in the way.

    Each order of speakers that occurs is tried once, with short texts.
    """
    found: Counter[str] = Counter()
    newest = store.value("SELECT max(candidate_id) FROM candidate")
    for row in store.remember(("speakers before pairs", newest), lambda: store.rows(_SHAPES)):
        messages = [{"role": role, "content": f"text{place}"} for place, role in enumerate(row["roles"].split())]
        pair = Pair("question", "answer", context=Context.from_messages(messages))
        try:
            prompts.prompt(pair)
            prompts.reverse(pair)
        except NotCarriedError as error:
            found[str(error)] += row["candidates"]
    return found
