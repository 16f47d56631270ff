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
    schedule: Literal["constant", "cosine", "step"] = option(
        "constant",
        "Learning rate over the epochs: constant, falling along a cosine to a hundredth, or a "
        "tenth after half of them and a hundredth after three quarters.",
        advanced=True,
    )
    warmup: int = option(
        0,
        "Epochs over which the learning rate first rises.",
        minimum=0,
        maximum=1000,
        advanced=True,
    )
    clip: float = option(
        0.0,
        "Largest norm of the gradient of one step; 0 does not clip.",
        minimum=0,
        maximum=1e6,
        advanced=True,
    )
    precision: Literal["full", "tf32", "bf16", "fp16"] = option(
        "full",
        "TF32: matrix products with 10 bits of mantissa; bf16, fp16: half precision of the forward "
        "pass. On CUDA only, elsewhere full.",
        advanced=True,
    )
    compile: bool = option(
        False, "Compile the trunk by torch.compile; pays off in long trainings.", advanced=True
    )
    more_epochs: int = option(
        0,
        "Epochs beyond the end of the training (early stopping included), from its last state.",
        minimum=0,
        maximum=100000,
        advanced=True,
    )
    separate: Literal["together", "alternating", "reptile"] = option(
        "together",
        "How the data sets of a separate collection share a trunk: a batch of each at every step, "
        "one at a time in turn, or Reptile.",
        advanced=True,
    )
    inner_steps: int = option(
        5,
        "Steps on each task between two updates of Reptile.",
        minimum=1,
        maximum=10000,
        advanced=True,
    )
    meta_rate: float = option(
        0.5,
        "Share of the way that Reptile's shared trunk moves towards the mean of the tasks' trunks.",
        minimum=1e-6,
        maximum=10,
        advanced=True,
    )
