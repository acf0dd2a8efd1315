"""Runs commands in children of one process that has loaded what they need: a kill hits work, not imports.

Reads a line of JSON for each command, `[words, folder, seconds or null]`, and kills the child after so many
seconds. Answers with a line: the exit status, negative for the signal that ended it, and how long it took.
"""

import json
import os
import select
import signal
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
    *("scipy.optimize", "rich.progress", "glimpse.datasets"),
]


def run(words, folder, seconds):
    """A command in a child; gives how it ended and the seconds it took."""
    started = time.monotonic()
    child = os.fork()
    if not child:
        os.chdir(folder)
        output = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
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


if __name__ == "__main__":
    for name in LOADED:
        import_module(name)
    for line in sys.stdin:
        print(json.dumps(run(*json.loads(line))), flush=True)
