"""AWS to facts: the metered client, a file per source, the registry, one-run bookkeeping.

It never changes anything in AWS, and never draws.
"""
