"""A student writes samples of a task (SELF-GUIDE): inputs, then answers to each, every try kept before it is judged.

    task ─▶ inputs, round by round ─▶ guards ─▶ n answers to each ─▶ guards, agreement, balance ─▶ rows to import

What a guard held back stays, with why; a person may take it all the same (`restore`).
"""

from srt_core.reflect.synthesis.funnel import Held, Synthesis, Tally, funnel, held_back, restore, syntheses, taken_back
from srt_core.reflect.synthesis.judging import Taken, taken
from srt_core.reflect.synthesis.task import Task, read_task
from srt_core.reflect.synthesis.writing import Plan, synthesize

__all__ = [
    "Held",
    "Plan",
    "Synthesis",
    "Taken",
    "Tally",
    "Task",
    "funnel",
    "held_back",
    "read_task",
    "restore",
    "syntheses",
    "synthesize",
    "taken",
    "taken_back",
]
