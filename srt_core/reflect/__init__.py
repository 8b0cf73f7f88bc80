"""Reflect: ask the teacher for the candidates that are missing, and store every reply before it is parsed.

    run         one run: what is missing → calls → candidates; trial: a few calls to look at
    missing     the candidates that a producer has not made yet: tasks
    asking      a task → a request: form of reply, correction, hash; prompts: the texts, and the parser of replies
    learning    what teachers refuse, kept for the next run; finish: finish reasons
    calls       many calls at once, in an event_loop: call_queue holds requests, judging judgements until committed
    teacher     one call: a live model or recorded replies; pace: how many at once and how fast
    patience    what a failed call means: retry, give up, or end the run; spending, prices, estimate: caps and costs
    keeping     calls, judgements and candidates into the project file
    batch       the same by a teacher's Batch API; parsing: stored replies again, with an improved parser
    coach       a producer that learns from people's edits and revises the rest
    producers   who makes candidates: teachers with their prompts; rewriting: methods that compute them from the texts

A reply that is paid for is found again by the hash of its request, so no run, trial or batch asks for it twice.
"""
