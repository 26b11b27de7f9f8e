"""The demo account as a process of ours: its folder, the settings that lead to it, and serving it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import yaml

from core.errors import QuarterdeckError, StoreError
from quarterdeck.demo.settings import demo_settings, environment


def demo_folder(store: Path) -> Path:
    """Where the demo remembers its history: below the store's own folder for the demo."""
    return store / "demo" / "account"


def write_settings(folder: Path, endpoint: str) -> Path:
    """The settings file that makes Quarterdeck watch the demo. Raises StoreError if it cannot be written."""
    file = folder / "settings.yml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(demo_settings(endpoint), sort_keys=False), encoding="utf-8")
    except OSError as error:
        said = f"cannot write to {folder}: {(error.strerror or str(error)).lower()}"
        raise StoreError(f"{said}; check its owner, or choose another folder with --store") from error
    return file


def serve_demo(folder: Path, *, port: int, seed: int | None, say: Callable[[str], None]) -> None:
    """Serve until told to stop; says what to export once it listens."""
    try:
        from quarterdeck.demo.server import serve
    except ModuleNotFoundError as error:
        raise QuarterdeckError(f"the demo needs {error.name}: pip install 'quarterdeck[demo]'") from error

    def ready(endpoint: str) -> None:
        for name, value in environment(endpoint, write_settings(folder, endpoint).absolute()).items():
            say(f"export {name}={shlex.quote(value)}")

    try:
        serve(folder=folder, seed=seed, port=port, ready=ready)
    except OSError as error:
        raise QuarterdeckError(
            f"the demo cannot listen on port {port}: {error.strerror}; try --port 0"
        ) from error
