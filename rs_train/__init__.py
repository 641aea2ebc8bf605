"""Continual pretraining of CLIP on caption tables, on open_clip."""
