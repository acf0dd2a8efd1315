"""Small caption files."""

import json


def write(root, name, entries):
    (root / name).write_text(json.dumps(entries))
    return root


def entry(person, path, captions, split, key="file_path"):
    return {"id": person, key: path, "captions": captions, "split": split}
