"""Shapes: how data sets name and nest the parts of a pair, as data, and how each shape is read.

names        the names of columns; roles: the names of speakers
plans        which columns of a record are which part of its pair
values       a value → text; texts: one text → turns
nested       messages that stand in an object: by number, as a tree
turns        messages of any form → what was said; exchanges: what was said → exchanges with their context
asides       what is no text: refused, or left aside
"""
