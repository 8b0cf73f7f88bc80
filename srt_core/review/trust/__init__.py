"""How far the rule agrees with reviewers, and what random audits prove."""
