"""Review: what people decide on top of the selection: decisions, queues, shares, history."""
