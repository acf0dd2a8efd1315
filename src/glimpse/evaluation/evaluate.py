"""`evaluate`: CMC, mAP and mINP of any protocol, from scores or from embeddings."""

from __future__ import annotations

import numpy as np

from glimpse.errors import OptionError
from glimpse.evaluation.metrics import AveragePrecision, average_precision, inverse_negative_penalty
from glimpse.evaluation.ranking import TrialRanks, rank_protocol
from glimpse.evaluation.result import Result
from glimpse.evaluation.single_shot import rank_single_shot
from glimpse.evaluation.sources import BLOCK_BYTES, Pairwise, ScoresOrEmbeddings, Shortlisted, score_source
from glimpse.protocols import Protocol
from glimpse.records import IntArray


def evaluate(
    scores: ScoresOrEmbeddings,
    protocol: Protocol,
    *,
    similarity: Pairwise | None = None,
    ap: AveragePrecision = AveragePrecision.MEAN,
    max_rank: int = 50,
    block_bytes: int = BLOCK_BYTES,
) -> Result:
    """CMC, mAP and mINP of scores by a protocol.

    Queries without a right answer are skipped: they are in no sum and in no divisor, and are counted.
    Ties are broken as a stable sort does, by position in the gallery. With a protocol of single-shot
    sampling each drawn list has one right answer, so that its AP is 1 / rank.

    Args:
        scores: [Q, G] float32 or float64, higher is better, one row per row of `protocol.query` and one
            column per row of `protocol.gallery`; or the pair of their embeddings.
        protocol: queries, gallery, and what counts; results are averaged over its trials.
        similarity: compares the embeddings; None for a matrix.
        ap: which average precision.
        max_rank: length of the CMC curve; a gallery may be shorter.
        block_bytes: how much of the scores of embeddings is held at a time.

    Returns:
        The measures, with the values of every query.

    >>> from glimpse.protocols import without_cameras
    >>> from glimpse.records import Records
    >>> queries, searched = Records.from_columns(["q"], [7]), Records.from_columns(["a", "b"], [3, 7])
    >>> evaluate(np.array([[0.9, 0.8]]), without_cameras(queries, searched)).mean_ap
    0.5
    """
    if max_rank < 1:
        raise OptionError(f"max_rank must be at least 1, got {max_rank}")
    if not len(protocol.query):
        raise OptionError(f"protocol {protocol.name} has no queries: nobody is asked for")
    source = score_source(scores, len(protocol.query), len(protocol.gallery), similarity, block_bytes)
    if protocol.single_shot is None:
        draws, trials = 1, rank_protocol(source, protocol)
    else:
        draws, trials = protocol.single_shot.repeats, rank_single_shot(source, protocol, protocol.single_shot)
    for number, trial in enumerate(trials):
        if not len(trial.query):
            raise OptionError(
                f"protocol {protocol.name}, trial {number}: none of the {len(trial.skipped)} queries "
                "has a right answer in the gallery that counts"
            )
    note = similarity.note if isinstance(similarity, Shortlisted) else ""
    return _result(protocol, trials, draws, ap, max_rank, note)


def _result(
    protocol: Protocol,
    trials: tuple[TrialRanks, ...],
    draws: int,
    ap: AveragePrecision,
    max_rank: int,
    note: str,
) -> Result:
    precisions = [average_precision(trial.ranks, trial.offsets, ap) for trial in trials]
    inp = [inverse_negative_penalty(trial.ranks, trial.offsets) for trial in trials]
    matches = [np.diff(trial.offsets) for trial in trials]
    return Result(
        protocol=protocol.name,
        note="; ".join(filter(None, (protocol.note, note))),
        ap=ap,
        cmc_counts=protocol.cmc,
        max_rank=max_rank,
        trials=len(trials),
        query=np.concatenate([trial.query for trial in trials]),
        trial=_numbers([len(trial.query) for trial in trials]),
        person=np.concatenate([trial.person for trial in trials]),
        # of each drawn list in single-shot sampling, of the whole gallery otherwise
        matches=np.concatenate(matches).reshape(-1, draws)[:, 0],
        rank=np.concatenate([trial.place for trial in trials]).reshape(-1, draws),
        average_precision=np.concatenate(precisions).reshape(-1, draws).mean(axis=1),
        inp=np.concatenate(inp).reshape(-1, draws).mean(axis=1),
        skipped_query=np.concatenate([trial.skipped for trial in trials]),
        skipped_trial=_numbers([len(trial.skipped) for trial in trials]),
    )


def _numbers(lengths: list[int]) -> IntArray:
    return np.repeat(np.arange(len(lengths)), lengths)
