"""AWS to facts: the metered client, a file per source, the registry, one-run bookkeeping; never changes anything in AWS, never draws."""
