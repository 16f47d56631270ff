"""Care of a cache: how large it is and of what, whose it is, what may go, what must stay."""
