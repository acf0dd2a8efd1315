"""The published methods: a network that embeds, and around it what training needs.

Import what you need from its modules: this package imports nothing itself.
"""
