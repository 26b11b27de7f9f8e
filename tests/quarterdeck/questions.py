"""The commands that ask the store, with words to ask them with."""

Words = tuple[str, ...]


def questions(function: str) -> list[Words]:
    """One of each kind; `function` is one that the store knows."""
    return [
        ("fleet",),
        ("function", function),
        ("concurrency",),
        ("queues",),
        ("cost",),
        ("cost", "--by", "component,tag:team"),
        ("spend",),
        ("incidents",),
        ("incidents", "--all"),
    ]
