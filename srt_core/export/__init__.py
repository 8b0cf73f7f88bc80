"""Export: what stands becomes one folder for training, with a manifest and a dataset card.

contents    which samples in which text; splits: which of them are put aside for validation
lines       what is written of them: a sample or a conversation a line, and what all lines have in common
formats     the file formats, a record each
sources     what formats make lines of: remembered pairs (past), decisions (decided), numbers (scores)
scored      the template and tokenizer that pairs were scored with; prompts: which prompt trainers make of a file
before      what an export would hold and trainers make of it, counted; concerns: what is counted
export      write a folder, read its data back, log it; write a past export again
staging     the folder, there whole or not at all; files: what was written; exporting: an export under way
differences what differs between two exports, or between the last one and what would be written now
written     a folder that was exported, unchanged since; push: the same to the hub, and what went where
describing  what stands beside the data: card with charts, manifest, and what trainers read about a folder (trainers)
"""
