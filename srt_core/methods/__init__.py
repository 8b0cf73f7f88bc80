"""The methods, one file each. A new method is one file and one line here."""

from srt_core.errors import SRTError
from srt_core.methods import cherry, reflection_tuning, selective_reflection, superfiltering
from srt_core.methods.method import DIALS, Dial, Method

METHODS = {
    method.name: method
    for method in (selective_reflection.METHOD, reflection_tuning.METHOD, cherry.METHOD, superfiltering.METHOD)
}

PRESETS = {policy.name: policy for method in METHODS.values() for policy in method.policies}
"""The policies that come with the methods, by name."""

DEFAULT_TEMPLATE = "alpaca"

__all__ = ["DIALS", "METHODS", "PRESETS", "Dial", "Method", "find_method", "student_and_template"]


def find_method(name: str) -> Method:
    """Find a method by name; SRTError lists the names there are."""
    if name not in METHODS:
        raise SRTError(f"There is no method {name}.", f"Choose from: {', '.join(METHODS)}.")
    return METHODS[name]


def student_and_template(method: str, student: str, template: str) -> tuple[str, str]:
    """Fill in what is "" from a method's paper ("": of no method). SRTError where that leaves no student."""
    asked = find_method(method) if method else None
    student = student or (asked.student if asked else "")
    if not student:
        raise SRTError("No student was given.", "Give --student, or --method superfiltering for a small one.")
    return student, template or (asked.template if asked else "") or DEFAULT_TEMPLATE
