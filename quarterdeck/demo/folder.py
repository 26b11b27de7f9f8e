"""What the demo remembers between starts: its seed and when it was started, in `demo.json` of its folder."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from core.errors import QuarterdeckError
from quarterdeck.demo.model import Plan

DEFAULT_SEED = 7
FILE = "demo.json"


def open_folder(folder: Path | None, seed: int | None, now: datetime) -> Plan:
    """The plan to start with: that of the folder with this start added. Raises if the seed is another."""
    if folder is None:
        return Plan(DEFAULT_SEED if seed is None else seed, (now,))
    known = _read(folder / FILE)
    if known and seed not in (None, known.seed):
        raise QuarterdeckError(
            f"the demo in {folder} has seed {known.seed}, not {seed}:"
            " leave --seed out, or choose another folder"
        )
    starts = known.starts if known else ()
    later = () if starts and starts[-1] >= now else (now,)
    plan = Plan(known.seed if known else DEFAULT_SEED if seed is None else seed, (*starts, *later))
    _write(folder / FILE, plan)
    return plan


def _read(path: Path) -> Plan | None:
    try:
        content = json.loads(path.read_text())
        return Plan(int(content["seed"]), tuple(datetime.fromisoformat(text) for text in content["starts"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise QuarterdeckError(
            f"cannot read {path}: delete it, and the demo begins anew ({error})"
        ) from error


def _write(path: Path, plan: Plan) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"seed": plan.seed, "starts": [start.isoformat() for start in plan.starts]}
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(content, indent=1))
    beside.replace(path)
