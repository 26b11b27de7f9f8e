"""The store's tables out of it and back: exports, imports, and how others read the telemetry files."""
