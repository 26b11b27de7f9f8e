"""A file per chat or incident tool: turns a notice into one HTTP request; never waits, never retries, never shows its URL."""
