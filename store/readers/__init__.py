"""Questions to the store, a file per subject; each returns pandas frames whose docstring gives columns, units
and states."""
