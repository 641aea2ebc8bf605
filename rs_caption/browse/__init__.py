"""`rs-caption browse`: a table as a page of this machine, to look through.

    table -> index (DuckDB, in a temporary folder) -> pages (jinja) -> a server on the loopback

Rows are named by their number, never by a path: a request cannot say which file is opened. Of the
images only what Pillow decodes is served, encoded anew.
"""
