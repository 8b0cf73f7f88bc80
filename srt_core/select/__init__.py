"""Select: the rule, a pure function of scores and policy, and what another policy would select.

    policy      options and limits of a policy, written, read and checked; presets and saved policies, by name
    panel       the SQL of `panel`: which candidates the rule looks at, and what each measures
    rule        the rule: one SQL statement over the panel and a relation of policies
    derive      keeps the tables `panel` and `selection` up to date
    selection   runs the rule under any policy, and applies one
    applied     the last policy that was applied: undoing that, and what it changed in words
    covering    ranks for a policy's diverse share
    words       the rule's way through a sample in sentences
    settled     which samples' instruction stage is decided, which sequential mode of reflecting asks for
    compare     what-if, policies side by side, a map of two limits, coverage by kind, two students

No model is asked here, and nothing but `selection.apply`, `applied`, `covering` and `derive` writes.
"""
