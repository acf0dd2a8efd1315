"""The published methods: their modules, losses and stages."""
