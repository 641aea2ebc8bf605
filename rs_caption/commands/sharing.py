"""What a shard of a run says when it is done."""

from __future__ import annotations

from rs_caption.console import say
from rs_caption.engine import Shard
from rs_caption.markers import Share, named


def print_share(title: str, shard: Shard, share: Share) -> None:
    """What a shard has done, and what is left to do."""
    say(
        f"{title}: shard {shard.number} of {shard.of} is done: {share.parts:,} of "
        f"{share.parts_in_all:,} parts"
    )
    if share.unfinished:
        say(f"Not finished yet: {named(share.unfinished, shard.of)}")
    else:
        say(f"All are done: the same command with --shard merge/{shard.of} writes the table")
