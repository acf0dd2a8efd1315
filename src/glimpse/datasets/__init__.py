"""One reader per on-disk layout: `read("market1501", folder)` gives a `Dataset`."""

from glimpse.datasets.catalog import LAYOUTS, read, reader
from glimpse.datasets.counts import part_counts
from glimpse.datasets.dataset import Dataset
from glimpse.datasets.layout import Count, Layout
from glimpse.datasets.reading import DatasetWarning

__all__ = ["LAYOUTS", "Count", "Dataset", "DatasetWarning", "Layout", "part_counts", "read", "reader"]
