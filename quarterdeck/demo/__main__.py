"""`python -m quarterdeck.demo`: serve the demo account alone and print its endpoint."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from quarterdeck.demo.server import serve


def _instant(text: str) -> datetime:
    ts = datetime.fromisoformat(text)
    return ts if ts.tzinfo else ts.replace(tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(prog="quarterdeck.demo", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--seed", type=int, default=None, help="default: that of the folder, or 7")
    parser.add_argument("--folder", type=Path, default=None, help="remembers seed and starts")
    parser.add_argument("--now", type=_instant, default=None, help="freeze the clock at this ISO 8601 time")
    given = parser.parse_args()
    serve(
        folder=given.folder,
        seed=given.seed,
        port=given.port,
        now=given.now,
        ready=lambda endpoint: print(endpoint, flush=True),
    )


if __name__ == "__main__":
    main()
