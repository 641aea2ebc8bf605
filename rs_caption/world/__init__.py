"""The sample world: small aerial scenes, drawn by rule, with true annotations.

Data flows one way: a job (`jobs`) names a kind of scene (`catalogue`); its function (`scenes_*`)
paints ground and places sprites on a canvas; the finished `Scene` goes to the writer of its
dataset's layout (`layouts`, `layout_*`); the `ledger` has what was written; duplicates, leaks and
faults are planted last (`plants`, `leakage`).
"""

from rs_caption.world.build import SplitCount, WorldReport, write_world
from rs_caption.world.plants import Planted

__all__ = ["Planted", "SplitCount", "WorldReport", "write_world"]
