"""Patch transfer: a person seen through the visible window of another picture of the batch (SPT)."""
