from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.occluded.shots import WANTED, hidden_shares, taken_again
from glimpse.records import Records
from glimpse.world.world import World


@pytest.fixture(scope="module")
def taken(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shots")
    return (*taken_again(world, folder), folder)


def test_the_layouts_own_queries_have_the_truth_that_the_layout_tells(taken, world):
    own = taken[0]
    truth = Records.load(world / "ground_truth" / "records.csv").filter(kind="occluded")
    told = dict(zip(truth.path.tolist(), truth.extra["visible"].tolist(), strict=True))
    asked = [Path(path).relative_to(world).as_posix() for path in own.records.path.tolist()]
    assert len(asked) == len(list((world / "query").iterdir()))
    np.testing.assert_allclose(own.visible, [told[path] for path in asked], atol=1e-6)
    # what is hidden in rows of pixels is what is hidden of the person, where no box cuts anything off
    share = own.shown.sum(1) / own.whole.sum(1)
    assert np.abs(share - own.visible).max() < 0.1


def test_the_series_shows_less_and_less_of_the_same_shots(taken):
    own, series, _ = taken
    count = len(own.records)
    visible = series.visible.reshape(len(WANTED), count)
    assert (visible[0] > 0.9).all()
    np.testing.assert_array_equal(series.shown[:count], series.whole[:count])
    assert (np.diff(visible.mean(1)) < -0.1).all()
    assert series.records.person.tolist() == own.records.person.tolist() * len(WANTED)
    whole, least = (np.asarray(Image.open(series.records.path[row])) for row in (0, 4 * count))
    # the person's surroundings are the same; something stands before the person
    assert whole.shape == least.shape
    assert 0.02 < (np.abs(whole.astype(int) - least) > 40).mean() < 0.9


def test_what_is_there_is_not_rendered_again_but_for_another_world(taken, world, monkeypatch):
    own, series, folder = taken

    def never(*arguments, **options):
        raise AssertionError("rendered before")

    monkeypatch.setattr(World, "render", never)
    again = taken_again(world, folder)
    np.testing.assert_array_equal(again[1].shown, series.shown)
    np.testing.assert_array_equal(again[0].visible, own.visible)
    (folder / "shots.json").write_text("{}")
    with pytest.raises(AssertionError, match="rendered before"):
        taken_again(world, folder)


def test_rows_are_chosen_together(taken):
    own = taken[0]
    turned = own[list(range(len(own.records)))[::-1]]
    assert turned.records.path.tolist() == own.records.path.tolist()[::-1]
    np.testing.assert_array_equal(turned.hidden(4), own.hidden(4)[::-1])


@pytest.mark.parametrize("stripes", [1, 3, 7])
def test_hidden_shares_are_counted_stripe_by_stripe(stripes):
    random = np.random.default_rng(stripes)
    whole = random.integers(0, 4, (5, 21)).astype(np.int32)
    whole[0, :7] = 0
    shown = random.integers(0, whole + 1).astype(np.int32)
    found = hidden_shares(shown, whole, stripes)
    for n in range(5):
        for k in range(stripes):
            rows = slice(21 * k // stripes, 21 * (k + 1) // stripes)
            total = whole[n, rows].sum()
            wanted = 1 - shown[n, rows].sum() / total if total else np.nan
            np.testing.assert_allclose(found[n, k], wanted)
