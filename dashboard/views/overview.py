"""Is anything wrong now, and whose is it?"""

from __future__ import annotations

from dashboard import widgets

widgets.toolbar("Overview")
