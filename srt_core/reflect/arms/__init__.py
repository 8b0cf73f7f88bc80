"""Several teachers: which of them writes for which sample, and what people's choices make of that (Star-Agents).

file ─▶ arms ─▶ draws, kept ─▶ each arm reflects on its samples (reflect.run) ─▶ people choose ─▶ steps, kept
▲                                                                                  │
└──────────────────────────── p, by which is drawn ────────────────────────────────┘
"""

from srt_core.reflect.arms.drawing import draw_arms, drawn_samples, register_arms
from srt_core.reflect.arms.file import Arm, ArmSettings, ArmsFile, Update, read_arms
from srt_core.reflect.arms.rewards import ArmState, Settled, arm_states, keep_up, p_over_steps, rivals

__all__ = [
    "Arm",
    "ArmSettings",
    "ArmState",
    "ArmsFile",
    "Settled",
    "Update",
    "arm_states",
    "draw_arms",
    "drawn_samples",
    "keep_up",
    "p_over_steps",
    "read_arms",
    "register_arms",
    "rivals",
]
