"""The leakage report: which test sets share how many images with which training sets, shown.

    comparison (dedup) -> findings (numbers, chosen pairs) -> pictures -> one HTML page, text, JSON

The page is one file: its pictures are in it, it loads nothing and runs no script. The same tables
give the same bytes.
"""
