"""RemoteCount: pictures with one to ten objects of a kind, each with the sentence that says so.

RemoteCLIP (IV-B.2) made 947 such pairs by hand, mostly from the validation split of DOTA, and never
released them. Here they are made by rules:

    windows.py  which square parts of an image can be asked about, and what for
    choose.py   which of them are, so that categories and numbers are balanced
    build.py    DOTA's annotations in, pictures and a caption table out
    listed.py   a user's own list instead of DOTA
    table.py    what both write, and what the task reads
"""
