"""The main job, end to end, on people who do not exist."""

from glimpse.demo.run import Demo, run_demo

__all__ = ["Demo", "run_demo"]
