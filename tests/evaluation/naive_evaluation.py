"""Evaluators written as plainly as possible, straight from the definitions: what the fast ones must equal."""

import numpy as np

from glimpse.protocols import Cmc


def ranked_list(scores, protocol, comparison, q):
    """Gallery rows that count for query q of a trial, best first; equal scores by position."""
    row = comparison.query_rows[q]
    counted = [
        (-scores[row, column], position, person)
        for position, (column, person, key) in enumerate(
            zip(comparison.gallery_rows, comparison.gallery_person, comparison.gallery_key, strict=True)
        )
        if key != comparison.query_key[q]
    ]
    return [(position, int(person)) for _, position, person in sorted(counted)]


def match_ranks(persons, person):
    return [rank for rank, other in enumerate(persons, start=1) if other == person and person >= 0]


def identity_rank(persons, person):
    """The person's place when only the best row of each counts; distractors (negative) never merge."""
    seen, place = set(), 0
    for other in persons:
        if other < 0 or other not in seen:
            place += 1
            seen.add(other)
        if other == person:
            return place
    raise AssertionError("the person is not in the list")


def mean_precision(ranks):
    return sum(so_far / rank for so_far, rank in enumerate(ranks, start=1)) / len(ranks)


def trapezoid_precision(persons, person):
    """The loop of Market-1501's MATLAB evaluation, row by row."""
    right = sum(other == person for other in persons)
    found, area, old_recall, old_precision = 0, 0.0, 0.0, 1.0
    for rank, other in enumerate(persons, start=1):
        found += other == person
        recall, precision = found / right, found / rank
        area += (recall - old_recall) * (old_precision + precision) / 2
        old_recall, old_precision = recall, precision
    return area


def evaluate_naively(scores, protocol, max_rank, trapezoid=False):
    """Per trial: (cmc, mAP, mINP, answered rows, skipped rows, {row: (rank, AP, INP)})."""
    trials = []
    for trial in protocol.trials:
        comparison = protocol.comparison(trial)
        cmc, answers, skipped = np.zeros(max_rank), {}, []
        for q, (row, person) in enumerate(
            zip(comparison.query_rows.tolist(), comparison.query_person.tolist(), strict=True)
        ):
            persons = [p for _, p in ranked_list(scores, protocol, comparison, q)]
            ranks = match_ranks(persons, person)
            if not ranks:
                skipped.append(row)
                continue
            first = identity_rank(persons, person) if protocol.cmc is Cmc.IDENTITIES else ranks[0]
            cmc[first - 1 :] += 1
            ap = trapezoid_precision(persons, person) if trapezoid else mean_precision(ranks)
            answers[row] = (first, ap, len(ranks) / ranks[-1])
        n = len(answers)
        trials.append(
            (
                cmc / n,
                sum(a[1] for a in answers.values()) / n,
                sum(a[2] for a in answers.values()) / n,
                sorted(answers),
                sorted(skipped),
                answers,
            )
        )
    return trials


def single_shot_chances(scores, protocol, comparison, q):
    """The exact distribution of the drawn right answer's rank: chances [P], rank r at r - 1.

    Given the drawn right answer, every other person stands before it independently, with the share of
    its counted rows that do: a Poisson binomial, summed over the right answers.
    """
    person = comparison.query_person[q]
    others, right = {}, []
    for place, (position, other) in enumerate(ranked_list(scores, protocol, comparison, q)):
        if other == person:
            right.append(place)
        else:
            name = other if other >= 0 else ("distractor", position)
            others.setdefault(name, []).append(place)
    chances = np.zeros(len(others) + 1)
    for mine in right:
        share = np.zeros(len(others) + 1)
        share[0] = 1.0
        for places in others.values():
            before = sum(place < mine for place in places) / len(places)
            share[1:] = share[1:] * (1 - before) + share[:-1] * before
            share[0] *= 1 - before
        chances += share / len(right)
    return chances
