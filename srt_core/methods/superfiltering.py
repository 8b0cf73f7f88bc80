"""Superfiltering (arXiv 2402.00530): originals only, the top share by the IFD of a student much smaller than yours.

The rule is Cherry's, ranked by the ratio of perplexities instead of losses. The paper finds that a small model ranks
samples much as a large one does; Explore shows how far that holds for a project that both have scored.

Superfiltering.D takes of the top share those that together cover it best: facility location over sentence vectors, by
the kernel exp(-distance / dimensions). `srt encode` makes the vectors, `srt cover` the ranks.
"""

from srt_core.methods.method import Method
from srt_core.records import Acceptance, Policy, Rounding, ShareOf

METHOD = Method(
    name="superfiltering",
    label="Superfiltering",
    paper="arXiv 2402.00530",
    summary="No teacher, a small student: keep the originals with IFD below 1 and the highest IFD.",
    teacher=(),
    needs_student=True,
    policies=(
        Policy(
            name="superfiltering",
            method="superfiltering",
            accept_instruction=Acceptance.NEVER,
            accept_response=Acceptance.NEVER,
            require_response_reflection=False,
            top_share=10.0,
            share_of=ShareOf.ALL,
            share_rounding=Rounding.FLOOR,
            limits=(("max_ifd", 1.0),),
        ),
        Policy(
            name="superfiltering-d",
            method="superfiltering",
            accept_instruction=Acceptance.NEVER,
            accept_response=Acceptance.NEVER,
            require_response_reflection=False,
            top_share=20.0,
            diverse_share=2.0,
            share_of=ShareOf.ALL,
            share_rounding=Rounding.FLOOR,
            limits=(("max_ifd", 1.0),),
        ),
    ),
    dials=("max_ifd", "top_share", "diverse_share", "share_of", "share_rounding"),
    student="gpt2",
    template="plain",
    convention="reference",
    max_length=1024,
    needs=("vectors, for the diverse share of superfiltering-d",),
    commands=("score", "encode", "cover"),
    place=4,
)
