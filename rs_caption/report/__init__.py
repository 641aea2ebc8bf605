"""`rs-caption report`: what tables hold, drawn as one HTML page.

One pass over the rows adds everything up (`tally`, `words`, `sampling`); small files beside the
tables say what was left out (`beside`). From that come the figures (`figures`, drawn by `charts`),
the word cloud and the map (`scatter`, `thumbs`), and `page` puts them together.
"""
