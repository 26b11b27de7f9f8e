"""A frozen demo account over HTTP, collected once by the real command line, for the tests of this folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from quarterdeck.demo.settings import demo_settings
from tests.e2e.processes import demo_account

SINCE = "6h"
"""History of the whole account that has every kind of trouble in it."""


@dataclass(frozen=True)
class Watched:
    """The endpoint, and the command line on a store that watches it."""

    endpoint: str
    settings: Path
    store: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        front = ["--settings", str(self.settings), "--store", str(self.store)]
        return subprocess.run(
            [sys.executable, "-m", "quarterdeck", *front, *words],
            env={**os.environ, **keys, "AWS_ENDPOINT_URL": self.endpoint, "AWS_DEFAULT_REGION": "eu-west-1"},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("e2e")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    with demo_account(now) as endpoint:
        settings = folder / "settings.yml"
        settings.write_text(yaml.safe_dump(demo_settings(endpoint)))
        account = Watched(endpoint, settings, folder / "store")
        done = account.run("collect", "--once", "--since", SINCE)
        assert done.returncode == 0, done.stderr
        yield account
