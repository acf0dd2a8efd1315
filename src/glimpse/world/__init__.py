"""Procedural pedestrians: rendered images with ground truth (part maps, keypoints, visibility, captions)."""
