"""Readers: the bytes of a file become records, whatever its format and whatever is broken in it.

detection      the format of a file, from its content and its name
reading        a file → records: fields by name, with row and line
text           bytes → text of any encoding
json_layout    a list, records one after another, or an object that holds them; json_stream: its records, read on
after what is broken
tables         CSV; columnar: Parquet and Arrow
"""
