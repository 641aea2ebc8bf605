"""De-duplicate a corpus, and take out of it whatever looks like a test set (RemoteCLIP III-B.3).

    tables -> population (rows, ranked) -> looks -> nodes -> links -> fates -> clean table, lists

A row leaves if it is linked to a row that stays, so each removal can be looked at: chains of links
pull nothing along. Which of two linked rows stays is decided by rank (population.py).
"""
