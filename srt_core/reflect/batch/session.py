"""What fetching and sending batches share: a producer, how its requests are written, and the teacher's Batch API."""

from collections.abc import Callable, Coroutine
from typing import Any

from srt_core.project.store import Store
from srt_core.reflect.asking import Asker, FormatChoice
from srt_core.reflect.batch.stored import Campaign
from srt_core.reflect.learning import keep_changes, use_known
from srt_core.reflect.prices import price_of
from srt_core.reflect.prompts import Prompts, ReplyFormat
from srt_core.reflect.run import Plan, register
from srt_core.reflect.teacher import OpenAITeacher
from srt_core.reflect.teacher.batches import Batches


class BatchSession:
    """One process's work on the batches of a producer. All state that a later process needs is in the project file."""

    def __init__(
        self,
        store: Store,
        teacher: OpenAITeacher,
        prompts: Prompts,
        plan: Plan,
        finish: Callable[[Coroutine[Any, Any, Any]], Any],
    ) -> None:
        """Join or begin the campaign of the producer; `finish` runs a coroutine to its end."""
        self.store, self.teacher, self.plan, self.finish = store, teacher, plan, finish
        self.producer = register(store, teacher, prompts)
        self.price = price_of(store, teacher.model)
        self.asker = Asker(teacher, prompts, plan.note)
        self.form = FormatChoice(store, self.producer, teacher, plan.reply_format)
        self.campaign = Campaign.join(store, self.producer, plan)
        self.batches = Batches(teacher)
        self.message = ""
        """What happens at the moment, as a sentence for the screen."""
        use_known(store, teacher)
        self.is_taken = bool(
            store.value(
                "SELECT 1 FROM teacher_call WHERE producer = ? AND outcome = 'answered' LIMIT 1", [self.producer]
            )
        )
        """Whether the teacher has answered a request that was put as the next ones are."""

    def keep_changes(self) -> None:
        """Keep how the teacher takes requests, for the next process."""
        self.is_taken = True
        keep_changes(self.store, self.teacher.name, self.teacher.changes)

    def use_sections(self) -> None:
        """Ask for sections from now on: any model can write them."""
        self.form = FormatChoice(self.store, self.producer, self.teacher, ReplyFormat.SECTIONS)
