"""Review: what reviewers decide on top of the selection: decisions, queues, shares, history."""
