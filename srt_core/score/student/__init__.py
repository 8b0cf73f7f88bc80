"""The student: the LLM that will be trained, asked only for losses. Only this package imports torch and transformers.

    scorer          what the rest of the program sees of a student: tokens, an identity, losses of packs
    tokens          its tokenizer alone, without weights
    packing         cuts requests into packs and lays a pack out as one row of tokens; knows nothing of torch
    forward         the forward pass of a pack; attention, decoder, head and projection make it fast
    trial           which way of batching is right, against float64; probe: the texts that it is tried with
    model           Student: a model in this process, with the trial that finds how it can be computed
    ray_student     RayStudent: the same on a Ray cluster, whose workers are in ray_workers
    loading         from a name to a Student: sources says where it is, folders why it is none
    adapters, gguf  an adapter with its base; a GGUF file, converted once
    architecture    what a configuration says of packs; replicas: a model for each thread, weights shared
    chat            the tokenizer's own chat template; rendering: the process that it is run in
    identity        the fingerprint of a student; files: whether its folder has changed
    engines         opens a student here or on a cluster

torch, transformers and Ray are imported when a student is loaded, not when this package is.
"""

from srt_core.score.student.architecture import max_length_limit
from srt_core.score.student.chat import ChatTemplate
from srt_core.score.student.engines import Engine, open_student
from srt_core.score.student.files import files_stamp
from srt_core.score.student.identity import fingerprint
from srt_core.score.student.loading import load_chat_template, load_model, load_student, load_tokens, loading_message
from srt_core.score.student.model import Student
from srt_core.score.student.packing import Batching, Pack, computed_tokens
from srt_core.score.student.scorer import Identity, Scorer
from srt_core.score.student.sources import find, is_here
from srt_core.score.student.tokens import Tokens

__all__ = [
    "Batching",
    "ChatTemplate",
    "Engine",
    "Identity",
    "Pack",
    "Scorer",
    "Student",
    "Tokens",
    "computed_tokens",
    "files_stamp",
    "find",
    "fingerprint",
    "is_here",
    "load_chat_template",
    "load_model",
    "load_student",
    "load_tokens",
    "loading_message",
    "max_length_limit",
    "open_student",
]
