"""Review: what reviewers decide on top of the selection.

    decisions   decide, undo, bulk decisions; the standing decision is the fold of the log of events
    verdicts    the decision where there is one, else the selection: what screens and exports read
    queues      which sample comes next, and why; shares: whose part of a queue is whose
    history     the state as of an event, and the way back to it
    status      the state of a project in numbers
    filter      one filter over everything stored: condition, pages, counts, full text, saved views
    trust       how far the rule agrees with reviewers, reviewers with each other, and what random audits prove

A decision names the candidate that it is for, so no later policy changes an approved text.
"""
