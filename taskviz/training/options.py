"""How a network is trained, as options."""

from dataclasses import dataclass
from typing import Literal

from taskviz.networks import NetworkOptions
from taskviz.values import option


@dataclass(frozen=True)
class TrainingOptions(NetworkOptions):
    """Options of every training; the network's options come first."""

    epochs: int = option(100, "Passes over the training split, at most.", minimum=1, maximum=100000)
    patience: int = option(
        15,
        "Stop after this many epochs without a better mean validation loss; 0 never stops early.",
        minimum=0,
        maximum=100000,
    )
    batch_size: int = option(64, "Samples in one step.", minimum=1, maximum=1048576, advanced=True)
    learning_rate: float = option(
        1e-3, "Step size of the optimizer.", minimum=1e-8, maximum=100, advanced=True
    )
    weight_decay: float = option(
        0.0, "Weight decay; decoupled with Adam (AdamW).", minimum=0, maximum=10, advanced=True
    )
    optimizer: Literal["adam", "sgd"] = option(
        "adam", "Adam, or stochastic gradient descent without momentum.", advanced=True
    )
