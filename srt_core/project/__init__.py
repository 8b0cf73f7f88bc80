"""The project file: the store, its schema and migrations, and what every floor above reads and writes in it.

    store       the open file: reads, cached results; converts it; transaction: what is committed together
    connection  whether a file is a project, of which version; creation: makes one, whole or not at all
    damage      the database's errors as sentences with the way out
    log         folds the write-ahead log into the file; log_file: whether it is whole; copying: a copy of both
    checking    finds what does not hold in a file that has to: rules are the rules, blocks their checksums
    schema.sql  the tables, each with its meaning; views.sql: what many places read; derived: tables that follow
    migrate     brings older files forward, with migrate_N.sql from version N to the next
    candidates  reads a sample with its candidates, reflections and edits; appending: appends candidates with drift
    events      the append-only log, and the fold of decisions
    drift       how far a rewrite is from its original; diff: the words that differ, also as HTML
    bins        counts of numbers in bins, for charts; intervals: a proportion with its confidence interval
    progress    how far a long step has come

Texts and rows are written once; whatever can be computed again from them is derived.
"""
