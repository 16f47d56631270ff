"""What bfloat16 and TF32 change in the test loss, beside how much seeds differ."""

import json
import sys
from typing import Any

from benchmarks.scale.child import in_child


def run_precision(quick: bool) -> dict[str, Any]:
    """In a process of its own, since it lets a CPU use what it does not offer."""
    return in_child("precision", "1" if quick else "0")


def measure_precision(quick: bool) -> dict[str, Any]:
    """Test loss of one network on all tasks in bfloat16 and in TF32 against single precision.

    On a CPU, where neither is offered: bfloat16 by the code that CUDA runs, TF32 by rounding the
    factors of every product as a GPU does. The change in the result, not in the time.
    """
    from contextlib import nullcontext
    from dataclasses import replace

    import torch

    import taskviz as tv
    from benchmarks.scale.rounded_products import RoundedProducts
    from taskviz.data.tensors import to_tensors
    from taskviz.training import precision
    from taskviz.training.group import train_group
    from taskviz.training.options import TrainingOptions

    torch.set_num_threads(1)
    precision.DEVICES = ("cpu", "cuda")
    collection = tv.load_collection("yeast")
    data = to_tensors(collection)
    options = TrainingOptions(epochs=1 if quick else 30)
    losses: dict[str, list[float]] = {"full": [], "bf16": [], "tf32": []}
    rounded = RoundedProducts()
    for seed in range(2 if quick else 5):
        for kind, found in losses.items():
            with rounded if kind == "tf32" else nullcontext():
                outcome = train_group(
                    data, range(len(data.targets)), replace(options, precision=kind), seed=seed
                )
            own = [
                row["value"]
                for row in outcome.metrics
                if row["split"] == "test" and row["metric"] == "loss"
            ]
            found.append(sum(map(float, own)) / len(own))
    full = losses.pop("full")
    mean = sum(full) / len(full)
    spread = (sum((v - mean) ** 2 for v in full) / (len(full) - 1)) ** 0.5
    found: dict[str, Any] = {
        "collection": "yeast",
        "test_loss_full": full,
        "relative_spread_of_seeds": spread / mean,
        "products_rounded_to_tf32": rounded.count,
    }
    for kind, values in losses.items():
        changes = [(b - a) / a for a, b in zip(full, values, strict=True)]
        found[kind] = {
            "test_loss": values,
            "mean_relative_change": sum(changes) / len(changes),
            "largest_relative_change": max(map(abs, changes)),
        }
    return found


if __name__ == "__main__":
    print(json.dumps(measure_precision(sys.argv[1] == "1")))
