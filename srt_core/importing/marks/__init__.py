"""Quality marks: what may be wrong with a sample, read from its original pair and its context, each with a reason.

    mark            a mark as data, and the original as its function looks at it
    registry        MARKS: all of them. A new one is a function in a file here and its record in that file's MARKS
    tokens … asides         one file a family of marks that are functions of one sample
    equals, near_duplicates     marks that samples have by their relation to others
    originals       read originals in chunks
    run             look for what was not looked for, and store it
    found           read what was found

A mark is no verdict: it says what to look at, and a filter finds it.
"""

from srt_core.importing.marks.found import Counted, Found, count_marks, marks_of, unlooked
from srt_core.importing.marks.mark import Mark
from srt_core.importing.marks.registry import BY_NAME, MARKS
from srt_core.importing.marks.run import find_marks, forget

__all__ = [
    "BY_NAME",
    "MARKS",
    "Counted",
    "Found",
    "Mark",
    "count_marks",
    "find_marks",
    "forget",
    "marks_of",
    "unlooked",
]
