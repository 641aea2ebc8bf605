"""What an image looks like: its hash, its hashes when turned, its thumbnail.

levels.py                   how closely two images must agree
phash.py, fast.py           the perceptual hash; of the brightness of a JPEG alone
shrink.py, rough.py         the shrinking that it begins with: exact, or in one product
look.py, thumbnail.py       what one decode leaves
views.py, jobs.py           what rows show of a file; a range of them in one worker
ranges.py, making.py        a table cut into ranges; all of them made
stored.py, looks.py         looks on disk; those of a whole table
column.py, fresh.py         the `phash` column, of a table and of rows that are being made
windows.py, register.py     hashes of windows; one image laid over a part of another
sampling.py, origins.py     the compiled loop of that; which files the looks are of
"""
