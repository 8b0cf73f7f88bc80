"""Cherry data selection and Superfiltering (arXiv 2308.12032, 2402.00530): originals only, the top share by IFD.

Superfiltering is the same rule with a small student; Cherry ranks by the ratio of losses, Superfiltering by IFD.
"""

from dataclasses import replace

from srt_core.methods.method import Method
from srt_core.records import Acceptance, Policy, RankBy

_ORIGINALS = Policy(
    name="superfiltering",
    accept_instruction=Acceptance.NEVER,
    accept_response=Acceptance.NEVER,
    max_r_ifd=None,
    require_response_reflection=False,
    top_share=10.0,
)

METHOD = Method(
    name="cherry",
    label="Cherry IFD / Superfiltering",
    paper="arXiv 2308.12032, 2402.00530",
    summary="No teacher: keep the originals with IFD below 1 and the highest scores.",
    stages=(),
    needs_student=True,
    policies=(
        replace(_ORIGINALS, name="cherry", top_share=5.0, rank_by=RankBy.LOSS_RATIO),
        _ORIGINALS,
    ),
    dials=("max_ifd", "top_share", "rank_by"),
)
