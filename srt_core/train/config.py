"""The settings of a run as TRL's own, for the process that trains and for who trains elsewhere."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srt_core.train.exports import TRAIN
from srt_core.train.plan import Plan, Settings


def trainer_arguments(settings: Settings, *, processes: int = 1, has_bf16: bool = False) -> dict[str, Any]:
    """Return the arguments of TRL's SFTConfig for a run whose pairs are laid out in their order already.

    `processes`: how many share a step; `has_bf16`: whether they compute on a GPU that can bfloat16.
    """
    share = max(1, settings.batch_size // processes)
    micro = max(each for each in range(1, min(settings.micro_batch, share) + 1) if share % each == 0)
    return {
        "num_train_epochs": 1,
        "train_sampling_strategy": "sequential",
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": share // micro,
        "learning_rate": settings.rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": settings.warmup,
        "max_length": None,
        "completion_only_loss": True,
        "packing": False,
        "bf16": has_bf16,
        "gradient_checkpointing": has_bf16,
        "seed": settings.seed,
        "data_seed": settings.seed,
        "logging_strategy": "steps",
        "logging_steps": 1,
        "save_total_limit": 2,
        "report_to": "none",
        "disable_tqdm": True,
    }


def elsewhere(export: Path, settings: Settings, plan: Plan) -> str:
    """Return the file that `trl sft --config FILE` reads to train on the same pairs, in YAML.

    TRL makes tokens of prompt and completion together and shuffles by itself, so losses agree but for that.
    """
    own = trainer_arguments(settings, has_bf16=True)
    for name in ("train_sampling_strategy", "disable_tqdm", "save_total_limit", "logging_strategy"):
        del own[name]
    values: Mapping[str, Any] = {
        "model_name_or_path": settings.student,
        "datasets": [{"path": "json", "data_files": str(export / TRAIN), "columns": ["prompt", "completion"]}],
        **own,
        "num_train_epochs": settings.epochs,
        "max_length": settings.max_length,
        "max_steps": plan.steps if settings.max_steps or settings.max_tokens else -1,
        **(
            {"use_peft": True, "lora_r": settings.lora, "lora_alpha": settings.alpha, "lora_dropout": 0.0,
             "lora_target_modules": "all-linear"}
            if settings.lora
            else {}
        ),
        "output_dir": "trained",
    }  # fmt: skip
    return "\n".join(f"{name}: {json.dumps(value)}" for name, value in values.items())
