"""The world: procedural pedestrians, with the truth about what can be seen of them."""
