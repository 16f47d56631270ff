"""The middle of the Groups page: a budget, what is proposed for it, what was moved and locked."""
