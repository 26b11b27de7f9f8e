"""The front door: command line, service, supervisor and demo account; assembles every room, and nobody imports it."""
