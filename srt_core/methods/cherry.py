"""Cherry data selection (arXiv 2308.12032): originals only, the top share by the ratio of losses."""

from srt_core.methods.method import Method
from srt_core.records import Acceptance, Policy, Rounding, ShareOf

METHOD = Method(
    name="cherry",
    label="Cherry IFD",
    paper="arXiv 2308.12032",
    summary="No teacher: keep the originals with IFD below 1 and the highest ratio of losses.",
    teacher=(),
    needs_student=True,
    policies=(
        Policy(
            name="cherry",
            method="cherry",
            accept_instruction=Acceptance.NEVER,
            accept_response=Acceptance.NEVER,
            require_response_reflection=False,
            top_share=5.0,
            rank_by="loss_ratio",
            share_of=ShareOf.KEPT,
            share_rounding=Rounding.FLOOR,
            limits=(("max_ifd", 1.0),),
        ),
    ),
    dials=("max_ifd", "top_share", "share_of", "share_rounding"),
    place=3,
)
