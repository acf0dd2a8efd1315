"""CLIP itself, as it is pre-trained."""
