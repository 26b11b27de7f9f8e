"""Frames to figures: pure functions to plain specifications; never import Streamlit, never read the store."""
