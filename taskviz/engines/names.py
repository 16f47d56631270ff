"""Names of the engines; nothing is loaded for them."""

ENGINES = ("local", "ray")
