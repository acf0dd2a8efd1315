"""Recipes: what defines a training run, one torch-free file per method, and the registry of methods."""
