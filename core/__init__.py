"""The words and the truths of Lambda: facts, windows, settings, errors, prices and formulas.

Never does I/O, never imports another room.
"""
