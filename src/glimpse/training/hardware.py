"""What computes, in words, for whoever reads a figure."""

from __future__ import annotations

import platform
from pathlib import Path

from glimpse.pixels.cache import cores


def hardware() -> str:
    """Processor, and how many cores this process may use."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        names = [
            line.split(":", 1)[1].strip()
            for line in information.read_text().splitlines()
            if "model name" in line
        ]
        model = names[0] if names else model
    return f"{cores()} cores of {model}"
