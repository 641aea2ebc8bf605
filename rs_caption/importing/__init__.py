"""Tables of pictures and captions that were made elsewhere, as caption tables: `rs-caption import`.

`paired.py` reads CSV as open_clip does, `tars.py` WebDataset; `land.py` writes the table. Captions
count as sentences of people, since nothing is known of their rules.
"""
