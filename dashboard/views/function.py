"""What is wrong with this one, and what changed?"""

from __future__ import annotations

from dashboard import widgets

widgets.toolbar("Functions")
