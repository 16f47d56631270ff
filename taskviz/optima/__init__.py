"""Per-sample task gradients and what follows from them."""
