"""What the libraries raise for a student that cannot be read or does not fit in memory."""

import pickle
from textwrap import shorten

LOADING_ERRORS = (
    *(OSError, EOFError, ImportError, MemoryError, RuntimeError, AssertionError),
    *(ValueError, TypeError, LookupError, AttributeError, pickle.UnpicklingError),
)


def is_out_of_memory(error: Exception) -> bool:
    """Return whether memory ran out. A GPU has an error class for it, the CPU allocator only a message."""
    import torch

    is_named = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return is_named or any(words in str(error) for words in ("can't allocate memory", "not enough memory"))


def short_reason(error: Exception) -> str:
    """Return the message of an error in one line."""
    return shorten(str(error), 200).rstrip(".") or type(error).__name__
