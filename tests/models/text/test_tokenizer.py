import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glimpse.errors import OptionError, StorageError
from glimpse.models.text.tokenizer import Tokenizer
from glimpse.models.text.vocabularies import bert_tokenizer


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


@given(st.text(max_size=40))
def test_any_text_is_spelled_without_loss_up_to_white_space(learned, text):
    long = Tokenizer(learned.pipeline, context=400, start="<|startoftext|>", end="<|endoftext|>")
    encoded = long.encode([text])
    again = long.encode([long.decode(encoded.ids[0])])
    assert again.ids.tolist() == encoded.ids.tolist()


def test_a_saved_tokenizer_is_the_same(learned, tmp_path):
    learned.save(tmp_path / "tokenizer.json")
    again = Tokenizer.load(tmp_path / "tokenizer.json")
    texts = ["A woman in a red coat.", "A man."]
    assert again.encode(texts).ids.tolist() == learned.encode(texts).ids.tolist()
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
