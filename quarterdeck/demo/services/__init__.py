"""A file per AWS service: each answers operations from the world, as AWS documents them."""
