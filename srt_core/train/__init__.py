"""Train: a student is trained on an export, evaluated on what was put aside, and compared with others.

exports     reads a folder of an export: pairs as texts, and what was put aside
tokens      the very token ids that were scored, and the end of the response
plan        how a run is asked for; which pairs in which order, how many steps and tokens
config      the same as TRL's own settings, also for who trains elsewhere
folder      what a run's folder holds: the task, the pairs, checkpoints, the trained student
worker      the process that trains, the only importer of trl, peft and torch here; process: starts it and listens
runs        the runs of a project, as they stand
evaluating  losses of versions that were put aside, by a trained student and by its parent
comparing   what the losses of runs say of each other, with intervals and words
writing     pairs that are trained on by themselves, as the folder of an export
warming     what a student reads once before it scores, as Cherry's does
coaching    what a coach is trained on: edits as pairs
arms        which pairs each arm is trained on; drawing: equal-sized controls
"""
