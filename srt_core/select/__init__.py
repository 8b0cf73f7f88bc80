"""Select: the rule, a pure function of scores and policy, and what another policy would select."""
