"""Many datasets at once: which lie below a folder, and the counts of their tables."""
