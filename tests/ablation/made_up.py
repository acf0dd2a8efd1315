"""Measurements that nobody made."""

from glimpse.ablation.summary import Measurement, Place

HERE, THERE = Place("market", "test"), Place("duke", "test")


def one(arm, network, seed, value, place=HERE):
    values = {"rank1": value, "map": value / 2, "minp": value / 4}
    return Measurement(arm, network, seed, place, values, (10, 11), (1, 0))
