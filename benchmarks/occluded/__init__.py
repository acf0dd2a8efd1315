"""The proof for occluded people: ablation, controls, accuracy by visible fraction, and what masks know.

`python -m benchmarks.occluded --work FOLDER` writes docs/evidence/occluded.md and .json.
"""
