"""Broken files for every reader: how they are broken, what they then say, what readers made of it.

`edits` breaks a file, `second` reads it a second way, `trial` puts the two against each other.
"""
