"""A pipeline file: datasets, tests, recipe and benchmarks in one TOML, and what of it is run.

    read.py     the file -> tables of checked keys (`kinds.py` says which there are)
    plan.py     tables -> stages, each one command of `rs-caption`, `rs-train` or `rs-bench`
    recipes.py  whether recipes can be, before anything runs
    state.py    what a stage was asked and what it left; so whether it is up to date
    prints.py   digests of files and folders; contents.py: of what outputs hold
    outputs.py  what of a folder a stage made, and how the next output gets its place
    run.py      runs what is out of date, by `child.py`; then has the page written (`told.py`)

Nothing here does what a command does: each is started as a person would type it, in the folder of
the file.
"""
