"""Whether a dataset folder is complete, in seconds."""
