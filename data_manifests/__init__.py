"""One TOML a dataset: its facts, each with its source. Read by `rs_caption.manifest`."""
