"""Patch transfer: a person seen through the visible window of another image of the batch (SPT)."""
