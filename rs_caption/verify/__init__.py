"""Whether every caption of a table is true and well-formed, derived from its boxes alone.

The captions are read back by a grammar of their own (`sentence`), held against the boxes of their
row (`row`), and streamed from the table (`table`). The rules are those of docs/rules.md.
"""

from rs_caption.verify.row import Judge, Problem, check_row
from rs_caption.verify.sentence import Vocabulary
from rs_caption.verify.table import Tally, check_table

__all__ = ["Judge", "Problem", "Tally", "Vocabulary", "check_row", "check_table"]
