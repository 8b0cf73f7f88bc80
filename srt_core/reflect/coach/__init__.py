"""The coach: learns from people's edits, and revises what nobody edited (CoachLM, arXiv 2311.13246).

edits       the edits that stand, how far each went, and which of them a coach learns from
wording     what a coach is asked, with edits as examples; the same text that one is trained on
revising    a run: what is not revised yet → calls → candidates of a producer of kind coach
judging     how near revisions come to what people wrote of edits that the coach never saw
coaches     what each coach made and what people made of that, without the samples that it learnt from
"""
