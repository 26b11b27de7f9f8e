"""The only room that knows how facts are kept: schema, writers, readers, retention.

Never calls AWS, never decides, never draws.
"""
