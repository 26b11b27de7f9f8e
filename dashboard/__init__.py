"""Facts to pages: routes, views, charts, widgets, cached queries; never calls AWS to read, never holds SQL."""
