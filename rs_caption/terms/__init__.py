"""What the owners of the data allow: whose rows may go where, and what goes with them.

    manifest [terms]  ->  Stated (known.py)  ->  which datasets may stay (choice.py)
                                             ->  README.md (card.py), croissant.json (croissant.py)

Nobody here gives legal advice: what is not clearly allowed is said not to be.
"""
