"""Pre-training on a rendered world: what every world recipe starts from."""
