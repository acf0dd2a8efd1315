"""What each section says."""

import pytest
from hand_made import WISH, micro, words

from glimpse.errors import MissingExtraError
from glimpse.explain import ReportOptions, explain, occlusions
from glimpse.explain.sections import NO_MASKS, UNUSED_MASKS
from glimpse.retriever import Retriever
from glimpse.similarity import Cosine


def test_without_masks_there_are_lists_and_a_sentence(queries, protocol):
    report = explain(micro("transreid"), queries, protocol=protocol, options=WISH)
    assert NO_MASKS in words(report)
    assert "kept-dimensions" not in report.images
    assert "mask" not in next(f for s in report.sections for f in s.figures if f.name == "query-1-lists").alt


def test_masks_that_nobody_compares_with_are_named(queries, protocol):
    plain = Retriever(micro().encoder, Cosine())
    report = explain(plain, queries, protocol=protocol, options=WISH)
    assert UNUSED_MASKS in words(report)
    assert "kept-dimensions" in report.images


def test_without_opencv_the_report_says_so_or_ends_where_it_was_asked_for(queries, people, monkeypatch):
    def missing(*arguments, **options):
        raise MissingExtraError('this needs cv2: pip install "glimpse[occluded]"')

    monkeypatch.setattr(occlusions, "GrabCutMasks", missing)
    report = explain(
        micro("transreid"), queries, training=people, options=ReportOptions(queries=1, samples=1)
    )
    assert report.sections[-1].words == ('There are none: this needs cv2: pip install "glimpse[occluded]".',)
    with pytest.raises(MissingExtraError):
        explain(
            micro("transreid"),
            queries,
            training=people,
            options=ReportOptions(queries=1, samples=1, must_occlude=True),
        )
