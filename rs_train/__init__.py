"""From caption tables to a CLIP, by way of open_clip: `rs-train`.

    recipe (config, settings, problems) and tables (corpus) -> which rows in which order (draws)
    -> pictures and tokens (loading, images, tokens) -> batches -> step and loss -> checkpoint
    -> export, card

`loop.py` reads top to bottom and leads to all else. `pack` holds pictures that were decoded once,
`check` says whether a corpus is fit to train on, `validate` how good a model is, `watch` what a run
shows of itself.
"""
