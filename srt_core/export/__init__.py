"""Export: verdicts become files for training, with a manifest.

contents    which samples in which text, and every candidate's numbers
lines       what is written of them: a sample or a conversation a line, and what all lines have in common
formats     the file formats, one file each
export      write a file, read it back, log it
past        what was exported, row by row, and any of it again; manifest: how the files of a folder came to be
prompts     which prompt trainers make of a file, beside the one that was scored
files       a written file, its hash and its folder
"""
