"""The training engine: samplers, augmentation, losses, stages, the loop, checkpoints.

Import what you need from its modules (`glimpse.training.loop`, `glimpse.recipes.provenance`, ...): this
package imports nothing itself, so that the command line can show recipes without importing torch.
"""
