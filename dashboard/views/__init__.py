"""One script per page, read top to bottom; never hold SQL, never draw a chart by hand."""
