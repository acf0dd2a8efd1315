"""Commands and examples of a page, run in order as they stand."""

import re
import shlex
import sys

import pytest
import torch

from glimpse.cli import main

BLOCK = re.compile(r"^```(console|python)\n(.*?)^```", flags=re.S | re.M)


def run_page(text, monkeypatch, capsys):
    """Run every console command (a line after `$ `) and every Python block; gives what each printed.

    Torch gets one thread for each: micro networks are slower on two, and much slower on busy machines, and
    in one process the compiled kernels of one command set the threads of the next.

    Returns:
        For each command or block in order its text and its output; and the names that the blocks made.
    """
    printed, names = [], {}
    for language, block in BLOCK.findall(text):
        if language == "python":
            exec(block, names)
            printed.append((block, capsys.readouterr().out))
            continue
        for line in block.splitlines():
            assert line.startswith("$ "), f"a line of a console block is no command: {line}"
            torch.set_num_threads(1)
            monkeypatch.setattr(sys, "argv", shlex.split(line[2:]))
            with pytest.raises(SystemExit) as stop:
                main()
            captured = capsys.readouterr()
            assert not stop.value.code, f"{line}: {captured.err}"
            printed.append((line[2:], captured.out))
    return printed, names
