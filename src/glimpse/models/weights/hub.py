"""Names on the hub: resolved only when somebody gives one in place of a file."""

from __future__ import annotations

import re
from pathlib import Path

from glimpse.errors import WeightsError
from glimpse.files import printable

_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".tar", ".ckpt")
_FILES = ("model.safetensors", "open_clip_pytorch_model.bin", "pytorch_model.bin")


def find_weights(name: str | Path) -> Path:
    """A file of weights: as it is, or fetched from the hub for a name such as `timm/...`.

    A file that exists is never looked for on the hub; a missing path with the ending of a weights file is
    taken for a mistake, not for a name.
    """
    path = Path(name)
    text = path.as_posix()
    if path.is_file():
        return path
    if path.is_dir() or text.endswith(_SUFFIXES) or not _NAME.fullmatch(text):
        raise WeightsError(f"there is no file of weights at {printable(path)}")
    return _fetch(text)


def _fetch(name: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError, RepositoryNotFoundError

    for file in _FILES:
        try:
            return Path(hf_hub_download(name, file))
        except LocalEntryNotFoundError as error:  # the client's word for: not here, and no answer
            raise _unreachable(name) from error
        except EntryNotFoundError:
            continue
        except RepositoryNotFoundError as error:
            raise WeightsError(f"the hub has no {name}, or does not show it to you") from error
        except Exception as error:  # the errors of its transport, whose classes change between versions
            raise _unreachable(name) from error
    raise WeightsError(f"{name} on the hub has none of {', '.join(_FILES)}")


def _unreachable(name: str) -> WeightsError:
    return WeightsError(
        f"cannot fetch {name}: the hub does not answer; fetch the file elsewhere and give its path instead"
    )
