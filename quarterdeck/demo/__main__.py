"""`python -m quarterdeck.demo`: serve the demo account alone and print its endpoint."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from quarterdeck.demo.company import MERIDIAN
from quarterdeck.demo.fleet import fleet
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
    parser.add_argument("--functions", type=int, default=None, help="serve a fleet of so many instead")
    parser.add_argument("--regions", type=int, default=1, help="how many regions the fleet lives in, up to 4")
    given = parser.parse_args()
    serve(
        folder=given.folder,
        seed=given.seed,
        port=given.port,
        now=given.now,
        company=fleet(given.functions, regions=given.regions) if given.functions else MERIDIAN,
        ready=lambda endpoint: print(endpoint, flush=True),
    )


if __name__ == "__main__":
    main()
