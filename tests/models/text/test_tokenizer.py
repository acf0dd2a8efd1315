import gzip
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glimpse.errors import MissingExtraError, OptionError, StorageError
from glimpse.models.text.tokenizer import Tokenizer
from glimpse.models.text.vocabularies import bert_tokenizer, clip_tokenizer, train_tokenizer

# The lines of CLIP's public list of 48,894 merges (MIT license) that the golden sentences need, by their
# number in it. The other lines are filled with pairs of bytes that no English text has.
MERGES = {
    5: "e r", 13: "o n</w>", 19: "t o</w>", 23: "i c", 27: "o f</w>", 67: "l e</w>", 94: "h o", 161: "v e",
    191: "p er", 304: "p ho", 313: "s on</w>", 613: "pho to</w>", 2021: "per son</w>", 3037: "h ic",
    3461: "ve hic", 4787: "vehic le</w>",
}  # fmt: skip


def merges_text():
    strange = [chr(c) for c in (*range(161, 173), *range(174, 256), *range(256, 324))]
    fillers = (f"{a} {b}{end}" for end in ("", "</w>") for a in strange for b in strange)
    lines = [MERGES.get(number) or next(fillers) for number in range(48894)]
    return "\n".join(["#version: 0.2", *lines, "what follows is not read"])


@pytest.fixture(scope="module")
def merges(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "bpe_simple_vocab_16e6.txt.gz"
    path.write_bytes(gzip.compress(merges_text().encode(), 1))
    return path


@pytest.fixture(scope="module")
def clip(merges):
    return clip_tokenizer(merges)


def test_golden_ids_of_the_prompts(clip):
    # clip-reid.md, "Prompts"
    tokens = clip.encode(["A photo of a X X X X person.", "A photo of a X X X X vehicle."])
    person = [49406, 320, 1125, 539, 320, 343, 343, 343, 343, 2533, 269, 49407]
    assert tokens.ids[0].tolist() == person + [0] * 65
    assert tokens.ids[1].tolist() == [*person[:9], 5299, *person[10:]] + [0] * 65
    assert tokens.ends.tolist() == [11, 11]
    assert len(clip) == 49408
    assert (clip.start, clip.end, clip.context) == (49406, 49407, 77)


def test_case_white_space_and_entities_do_not_matter(clip):
    plain = clip.encode(["a photo of a person & x"]).ids
    assert clip.encode(["  A PHOTO\tof\n a   person &amp; x "]).ids.tolist() == plain.tolist()
    assert clip.encode(["a photo of a person &amp;amp; x"]).ids.tolist() == plain.tolist()


def test_special_tokens_in_a_text_are_spelled_as_text(clip):
    ids = clip.encode(["a <|endoftext|> person"]).ids[0]
    assert (ids == 49407).sum() == 1


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


CAPTIONS = ["A woman in a red coat, carrying a blue bag.", "A man with a blue coat and a red bag."] * 4


@pytest.fixture(scope="module")
def learned():
    return train_tokenizer(CAPTIONS, size=600, context=16)


def test_a_learned_vocabulary_spells_frequent_words_in_one_token(learned):
    tokens = learned.encode(["a red bag"])
    assert tokens.ends.tolist() == [4]
    assert learned.decode(tokens.ids[0]) == "a red bag"
    assert len(learned) <= 600
    assert (learned.start, learned.end) == (len(learned) - 2, len(learned) - 1)


@given(st.text(max_size=40))
def test_any_text_is_spelled_without_loss_up_to_white_space(learned, text):
    long = Tokenizer(learned.pipeline, context=400, start="<|startoftext|>", end="<|endoftext|>")
    encoded = long.encode([text])
    again = long.encode([long.decode(encoded.ids[0])])
    assert again.ids.tolist() == encoded.ids.tolist()


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
        train_tokenizer(CAPTIONS, size=100, context=16)


def test_a_saved_tokenizer_is_the_same(learned, tmp_path):
    learned.save(tmp_path / "tokenizer.json")
    again = Tokenizer.load(tmp_path / "tokenizer.json")
    assert again.encode(CAPTIONS).ids.tolist() == learned.encode(CAPTIONS).ids.tolist()
    assert (again.context, again.start, again.end, again.padding) == (16, learned.start, learned.end, 0)


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '{"context": 8, "start": "a", "end": "b", "padding": 0, "pipeline": {}}']
)
def test_what_is_no_saved_tokenizer_is_refused(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_text(content)
    with pytest.raises(StorageError, match="is not a saved tokenizer"):
        Tokenizer.load(path)
    with pytest.raises(StorageError, match="cannot read"):
        Tokenizer.load(tmp_path / "missing.json")


def test_long_texts_are_cut_and_keep_their_end(learned):
    tokens = learned.encode(["bag " * 40, "", "a bag"])
    assert tokens.ends.tolist() == [15, 1, 3]
    assert [row[end] for row, end in zip(tokens.ids, tokens.ends, strict=True)] == [learned.end] * 3
    assert tokens.mask.sum(1).tolist() == [16, 2, 4]


def test_trimming_cuts_to_the_longest_text(learned):
    tokens = learned.encode(["a bag", "a red bag"]).trimmed()
    assert tokens.ids.shape == (2, 5)
    assert learned.encode([]).trimmed().ids.shape == (0, 1)
    assert tokens.ids.dtype == np.int64


def test_bert_s_words_and_padding(tmp_path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "red", "coat", "##s", "."]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")
    tokenizer = bert_tokenizer(tmp_path / "vocab.txt", context=8)
    assert tokenizer.encode(["A red coats."]).ids[0].tolist() == [2, 4, 5, 6, 7, 8, 3, 0]
    assert tokenizer.encode(["blue"]).ids[0, :3].tolist() == [2, 1, 3]
    (tmp_path / "vocab.txt").write_text("a\nred\n")
    with pytest.raises(StorageError, match="not a BERT vocabulary"):
        bert_tokenizer(tmp_path / "vocab.txt")


def test_a_context_holds_start_and_end(learned):
    with pytest.raises(OptionError, match="got 1"):
        Tokenizer(learned.pipeline, context=1, start="<|startoftext|>", end="<|endoftext|>")
    with pytest.raises(OptionError, match="no token 'nobody'"):
        Tokenizer(learned.pipeline, context=9, start="nobody", end="<|endoftext|>")
