"""What MoS costs: a training step, fitting the penalty's prior, an evaluation with the penalty.

Run with `python -m benchmarks.mos`. Steps of the Jaccard and of the Euclidean triplet loss alternate; the
first round, which warms up, does not count, and of the others the fastest of each does. The prior and the
evaluation have the size of Market-1501, and features as a ReLU and a maximum leave them: of each person its
own mean pattern, of each image some of it and noise.
"""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.dpm_step import IMAGES as IMAGES_OF_BATCH
from benchmarks.dpm_step import random_batch, seconds, stepper
from benchmarks.measure import line, measured
from glimpse.choices import Dtype, Size
from glimpse.embeddings import Embeddings
from glimpse.evaluation import evaluate
from glimpse.protocols import single_query
from glimpse.recipes.groups import scaled
from glimpse.recipes.provenance import with_settings
from glimpse.recipes.registry import recipe_of
from glimpse.records import Records
from glimpse.similarity import ConflictPenalized, CoOccurrencePrior, SetJaccard
from glimpse.training.batches import TrainingData

PERSONS, IMAGES, QUERIES, GALLERY = 751, 17, 3368, 15913  # of Market-1501


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=[size.value for size in Size], default="base", help="of the step")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--channels", type=int, default=2048)
    parser.add_argument("--queries", type=int, default=QUERIES)
    parser.add_argument("--no-step", action="store_true", help="leave the training step out")
    options = parser.parse_args()
    if not options.no_step:
        step(options)
    penalty(options)


def step(options: argparse.Namespace) -> None:
    """Both losses in turn."""
    size, device = Size(options.size), torch.device("cpu")
    records = Records.from_columns(
        [str(row) for row in range(options.batch)], np.arange(options.batch) // IMAGES_OF_BATCH, camera=0
    )
    shared = ("weights=none", "conflict.use=false", f"sampler.persons={options.batch // IMAGES_OF_BATCH}")
    recipes = [
        with_settings(scaled(recipe_of("mos"), size), (*shared, f"triplet={kind}"))
        for kind in ("euclidean", "jaccard")
    ]
    batch = random_batch(options.batch, recipes[0].augment.size, device)
    data = TrainingData(records)
    plain, sets = (stepper("mos", recipe, data, batch, Dtype.FLOAT32) for recipe in recipes)
    pairs = [(seconds(plain, device), seconds(sets, device)) for _ in range(options.rounds + 1)]
    base, ours = np.array(pairs[1:]).min(0)
    wall, processor = ours / base
    print(
        f"a training step of MoS, {size.value}, {options.batch} images: by Jaccard {wall:.2f} times the "
        f"Euclidean one's {base[0]:.3f} s ({processor:.2f} by processor seconds)"
    )


def penalty(options: argparse.Namespace) -> None:
    """The prior of the training persons, then all queries."""
    random = np.random.default_rng(0)
    people, persons = features(random, PERSONS, IMAGES, options.channels)
    print(f"conflict penalty, {options.channels} channels")
    prior, taken = measured(lambda: CoOccurrencePrior.fit(people, persons))
    line(f"prior of {PERSONS} persons, {len(people)} images", taken)
    others = 750
    rows, numbers = features(random, others, -(-(GALLERY + options.queries) // others), options.channels)
    chosen = random.permutation(len(rows))[: GALLERY + options.queries]
    query, gallery = chosen[: options.queries], chosen[options.queries :]
    protocol = single_query(*(_records(name, numbers[some]) for name, some in (("q", query), ("g", gallery))))
    sides = Embeddings(rows[query]), Embeddings(rows[gallery])
    penalized = ConflictPenalized(SetJaccard(), prior, 1.0)
    _, found = measured(lambda: penalized.headroom)
    possible = options.channels * (options.channels - 1) // 2
    line(
        "channel pairs that can conflict",
        found,
        note=f"{len(penalized.headroom.bounds) / possible:.1%} of all",
    )
    penalized.shortlisted(sides[0][:2], sides[1][:10])  # compile
    _, plain = measured(partial(evaluate, sides, protocol, similarity=SetJaccard()))
    line(f"evaluation by J, {options.queries} x {GALLERY}", plain)
    _, both = measured(partial(evaluate, sides, protocol, similarity=penalized))
    line(f"with the penalty on a shortlist of {penalized.shortlist}", both, plain)


def features(
    random: np.random.Generator, persons: int, images: int, channels: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Features [persons * images, channels] and whose they are."""
    own = random.standard_normal((persons, channels), dtype=np.float32)
    each = np.repeat(own, images, axis=0)
    each += 0.7 * random.standard_normal(each.shape, dtype=np.float32) + 0.5
    return np.maximum(each, 0, out=each), np.repeat(np.arange(persons), images)


def _records(name: str, persons: NDArray[np.int64]) -> Records:
    return Records.from_columns([f"{name}/{n}.jpg" for n in range(len(persons))], persons)


if __name__ == "__main__":
    main()
