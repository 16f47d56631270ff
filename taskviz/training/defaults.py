"""Training options that suit a modality, where they differ from the general ones."""

from collections.abc import Mapping
from typing import Any

_BY_MODALITY: dict[str, dict[str, Any]] = {
    # Tables keep the general ones: Adam at 1e-3, constant, no clipping.
    "image": {"schedule": "cosine", "warmup": 1, "weight_decay": 1e-4},
    # Recurrent networks: a single long sample can make a gradient explode.
    "series": {"schedule": "cosine", "warmup": 1, "clip": 1.0},
    "graph": {"schedule": "cosine", "warmup": 1, "batch_size": 32, "clip": 5.0},
    "nodes": {"schedule": "cosine", "weight_decay": 5e-4},
}


def modality_defaults(modality: str) -> dict[str, Any]:
    """Option → value for a modality; what is not named keeps its general default."""
    return dict(_BY_MODALITY.get(modality, {}))


def with_defaults(modality: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a caller gave, on top of the modality's defaults."""
    named = {name.replace("-", "_"): value for name, value in given.items()}
    return {**modality_defaults(modality), **named}
