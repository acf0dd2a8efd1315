"""Runs commands in children of one process that has loaded what they need: a kill hits work, not imports.

Reads a line of JSON for each command, the arguments of `run`, kills the child after so many seconds, and
answers with a line: the exit status, negative for the signal that ended it, and how long it took. A disk of
so many bytes is mounted on the folder first, or grown to them; nobody outside sees it, so a line
`{"copy": FOLDER, "to": OTHER}` copies what is on it and unmounts it.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from importlib import import_module

LOADED = [
    *(
        "glimpse.cli",
        "glimpse.methods.fit",
        "glimpse.methods.bot",
        "glimpse.ablation.run",
        "glimpse.ablation.table",
    ),
    *("glimpse.pretraining.pretrain", "glimpse.world.export", "glimpse.retriever.export", "glimpse.explain"),
    *("glimpse.models.weights", "glimpse.evaluation", "glimpse.segmentation.sources", "onnxruntime", "onnx"),
    *("scipy.optimize", "rich.progress", "glimpse.datasets", "glimpse.demo"),
]


def run(words, folder, seconds, disk=None):
    """A command in a child; gives how it ended and the seconds it took."""
    if disk is not None:
        how = f"remount,size={disk}" if os.path.ismount(folder) else f"size={disk}"
        subprocess.run(["mount", "-t", "tmpfs", "-o", how, "tmpfs", folder], check=True)
    started = time.monotonic()
    child = os.fork()
    if not child:
        output = os.open(f"{folder}.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.chdir(folder)
        for stream in (1, 2):
            os.dup2(output, stream)
        sys.argv = ["glimpse", *words]
        status = 70
        try:
            import_module("glimpse.cli").main()
        except SystemExit as stop:
            status = stop.code or 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            os._exit(status)
    ended = os.pidfd_open(child)
    if not select.select([ended], [], [], seconds)[0]:
        os.kill(child, signal.SIGKILL)
    os.close(ended)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), time.monotonic() - started


def copy(copy, to):
    """Copy what lies in a folder on a disk of ours, and unmount the disk."""
    subprocess.run(["cp", "-a", f"{copy}/.", to], check=True)
    subprocess.run(["umount", copy], check=True)


if __name__ == "__main__":
    for name in LOADED:
        import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps((copy if "copy" in asked else run)(**asked)), flush=True)
