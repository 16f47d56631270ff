"""Per-sample task gradients and what follows from them.

The face of this room is :mod:`taskviz.optima.distances`: a network and
:class:`~taskviz.optima.units.Units` in, L1 distances between the tasks' gradients out. Behind it:

- ``way`` picks closed forms or the generic way and checks them at the first use of a network;
- ``comparison`` takes the units through it in chunks that fit into memory;
- ``capture`` and ``features`` give a layer's inputs and the gradients of its outputs;
- ``layers`` hands a layer to ``linear``, ``convolution`` (with ``separated``) or
  ``normalisation``; ``generic`` takes any trunk; all end in ``l1``;
- ``plain`` is what each of them must equal.

``density`` holds the densities and bounds of the SCA paper as functions of such distances;
``landscape`` measures what they need: ``step_losses``, ``curvature`` and ``by_layer``.

For maps all optima are compared with each other: ``all_pairs`` is the face of ``cloud``, which goes
through ``outer_products`` or a ``projection``; ``maps`` draws and judges, ``optima_map`` keeps.
"""

from taskviz.optima.distances import (
    PairwiseDistances,
    gradient_norms,
    pairwise_distances,
    unit_distances,
)
from taskviz.optima.units import Units, draw_units

__all__ = [
    "PairwiseDistances",
    "Units",
    "draw_units",
    "gradient_norms",
    "pairwise_distances",
    "unit_distances",
]
