"""A caption table in the forms that other programs open, and back: `rs-caption export`, `import`.

    rs-caption export webdataset tables/clean --out shards --resize 256
      shards/train-00000.tar ...   the pictures and captions of 1,000 rows each
      shards/sizes.json            what this form needs beside them
      shards/README.md             the card, with sources and terms
      shards/export.json           what was asked for, and counts
      shards/SHA256SUMS            of all of them; written last

The rows of a split are cut into lots (`lots.py`). A worker makes all files of a lot (`job.py`):
pictures (`pictures.py`) in one of five forms (`form.py`: one module each). Everything is made in
`.parts` and moved into place when all of it is there (`run.py`).
"""
