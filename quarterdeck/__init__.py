"""The front door: command line, service, supervisor, demo account; assembles every room, imported by none."""
