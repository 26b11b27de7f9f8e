"""Facts to pages: routes, views, charts, cached queries; never calls AWS to read, never holds SQL."""
