"""Sources: where files come from.

opening    a file, open and unpacked, and how far it was read
packed     gzip, bzip2, xz, zstd and zip
paths      files, folders and patterns → files; hub: a data set of the hub → files
"""
