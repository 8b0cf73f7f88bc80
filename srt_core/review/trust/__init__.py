"""Trust: what may be claimed of the rule from people's reading, and what is approved on that evidence.

    audits      a seeded random draw from a named population, a row a sample, decided or not; the evidence that its
                samples have by now, claims of any policy upon it, and approvals that rest on it
    blind       a reading: an event of its own (audit, sample, order shown, marks, best), no decision
    readings    pure: was the rule right on a drawn sample, by its last reading and the decision after it?
    claims      pure: from outcomes to counts, interval, sentence; a margin chosen on one half, judged on the other
    agreement   all figures of the page Trust: random reads and what people chose to decide, apart; by margin and kind
    kappa       how far two curators agree beyond chance

The flow is draws -> readings -> outcomes -> claim.

- A population is all samples, a filter on data that no policy changes, or what a policy keeps or leaves out. Readings
  judge versions and not the rule, so reads of the first two stand for every policy, and those of the last for that
  policy alone. Audits of different populations are never pooled; the same population is drawn from once, and further.
- The rule is right on a sample when the version that it keeps is marked, or when it leaves the sample out and none is.
- Evidence is the last reading of each drawn sample. A single decision made later that contradicts it replaces it, and
  undoing that restores it. What is parked since, or was never read, counts as wrong at the lower end of an interval. An
  edit says that the text it was made of was not right. Bulk actions are no evidence of anything.
- Each draw and each extension is a look. Looks at populations that may overlap share one doubt (claims.confidence_of),
  so an audit that failed cannot be escaped by another filter.
- Audits of older versions were open: their decisions are counted as what people chose, and nothing is claimed on them.

docs/trust.md says the same to those who read.
"""
