"""Vocabularies: CLIP's, BERT's, and learned ones."""

import gzip
import subprocess
import sys

import pytest

from glimpse.errors import MissingExtraError, OptionError, StorageError
from glimpse.models.text.vocabularies import clip_tokenizer, train_tokenizer


def test_an_unpacked_list_of_merges_is_read_too(merges, clip, tmp_path):
    plain = tmp_path / "merges.txt"
    plain.write_bytes(gzip.decompress(merges.read_bytes()))
    assert clip_tokenizer(plain).encode(["a photo"]).ids.tolist() == clip.encode(["a photo"]).ids.tolist()


@pytest.mark.parametrize("content", [b"", b"#version\ni n\n", b"\x1f\x8bbroken", b"\xff\xfe"])
def test_what_is_no_list_of_merges_is_refused(tmp_path, content):
    path = tmp_path / "merges.txt"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"merges\.txt is not"):
        clip_tokenizer(path)
    with pytest.raises(StorageError, match="no vocabulary at"):
        clip_tokenizer(tmp_path / "nothing.txt")


def test_open_clip_s_file_is_found_without_importing_it(merges, tmp_path):
    package = tmp_path / "open_clip"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / merges.name).write_bytes(merges.read_bytes())
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from glimpse.models.text.vocabularies import clip_tokenizer\n"
        "print(clip_tokenizer().encode(['a person']).ids[0, :4].tolist())"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "[49406, 320, 2533, 49407]", result.stderr


def test_without_open_clip_the_extra_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"glimpse\[clip\]"):
        clip_tokenizer()


def test_a_learned_vocabulary_spells_frequent_words_in_one_token(learned):
    tokens = learned.encode(["a red bag"])
    assert tokens.ends.tolist() == [4]
    assert learned.decode(tokens.ids[0]) == "a red bag"
    assert len(learned) <= 600
    assert (learned.start, learned.end) == (len(learned) - 2, len(learned) - 1)


def test_letters_that_training_never_saw_are_not_dropped(learned):
    assert learned.decode(learned.encode(["zebraq ß"]).ids[0]) == "zebraq ß"


def test_two_processes_learn_the_same_vocabulary():
    script = (
        "import random; from glimpse.models.text.vocabularies import train_tokenizer\n"
        "r = random.Random(0); letters = 'abcdefgh'\n"
        "words = [''.join(r.choices(letters, k=r.randint(1, 5))) for _ in range(200)]\n"
        "captions = [' '.join(r.choices(words, k=8)) for _ in range(200)]\n"
        "print(train_tokenizer(captions, size=800, context=16).pipeline.to_str())"
    )
    runs = {
        subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout
        for _ in range(3)
    }
    assert len(runs) == 1


def test_a_vocabulary_that_cannot_spell_is_refused():
    with pytest.raises(OptionError, match="at least 514 tokens, got 100"):
        train_tokenizer(["A woman in a red coat.", "A man."], size=100, context=16)
