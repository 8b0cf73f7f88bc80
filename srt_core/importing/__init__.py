"""Import: files become samples with an original pair and, where the file has them, rewrites of it.

    files       a file of any format → records → rows: original pairs, rewrites and rejects
    run         rows → the project, in chunks; an import that was cut off continues
    samples     store a chunk: samples, candidates, rejects; sample ids and duplicates
    imports     begin, finish and list the runs of the importer; rejects: the rows that could not be used
    undo        take an import back
    kinds       what an original asks for: task type, language, and the grouping by subject
    grouping    find the kinds of samples that have none, and group all samples by subject
    marks       quality marks: what may be wrong with an original, each with a reason

A row that cannot be read is stored as a reject with its reason, and never stops an import.
"""
