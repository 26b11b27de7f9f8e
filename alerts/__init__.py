"""Facts to decisions, deliveries and actions: rules, engine, channels, actions.

Never reads AWS to decide, never acts without a plan and an audit row.
"""
