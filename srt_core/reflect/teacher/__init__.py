"""The teacher: a chat model behind an OpenAI-compatible endpoint, or the replay of recorded replies.

    ask         what is asked, what comes back, and the Protocol of a teacher
    kinds       how a call may end: the outcomes, what is said of each and what the run does; signs: which one it was
    address     where a teacher is and its key: what must never be shown
    answers     what a server sent, read into an Answer, whatever it is; messages, streams: the text in it
    settings    what a server refuses of a request, and how requests are put then
    live        OpenAITeacher: one HTTP call (transport); looking: its list of models, and whether a port speaks TLS
    batches     the same by the Batch API: upload, create, poll, download
    replay      ReplayTeacher
    pace        how many calls may be under way, and when the next may start

Only this package imports openai, and only when a call is made.
"""

from srt_core.reflect.teacher.ask import Answer, Ask, Headroom, Teacher, request_hash
from srt_core.reflect.teacher.kinds import ASK_AGAIN_HINT, NOT_RECORDED_HINT, CallOutcome
from srt_core.reflect.teacher.live import OpenAITeacher, models_at
from srt_core.reflect.teacher.looking import ModelList
from srt_core.reflect.teacher.pace import Pace
from srt_core.reflect.teacher.replay import ReplayTeacher, record_reply

__all__ = [
    "ASK_AGAIN_HINT",
    "NOT_RECORDED_HINT",
    "Answer",
    "Ask",
    "Headroom",
    "ModelList",
    "OpenAITeacher",
    "CallOutcome",
    "Pace",
    "ReplayTeacher",
    "Teacher",
    "record_reply",
    "models_at",
    "request_hash",
]
