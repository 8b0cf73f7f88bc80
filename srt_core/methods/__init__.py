"""The methods, one file each. A new method is one file and one line here."""

from srt_core.methods import cherry, reflection_tuning, selective_reflection
from srt_core.methods.method import DIALS, Dial, Method

METHODS = {method.name: method for method in (selective_reflection.METHOD, reflection_tuning.METHOD, cherry.METHOD)}

PRESETS = {policy.name: policy for method in METHODS.values() for policy in method.policies}
"""The policies that come with the methods, by name."""

__all__ = ["DIALS", "METHODS", "PRESETS", "Dial", "Method"]
