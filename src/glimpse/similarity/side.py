"""Whose mask counts, told without torch: recipes choose by it."""

from enum import StrEnum


class Side(StrEnum):
    """Whose mask is applied to what, for a query q with mask m and a gallery vector g with mask n.

    Products are per dimension; `unit` scales a vector to length 1 (dpm_family 3.8, 3.9b and 6.9).

    - NONE: the plain cosine.
    - QUERY: <unit(q), unit(m g)>, the query's mask on the gallery only, as DPM was released. It compares q
      with another vector for each mask, so that a large common mean can ruin the ranking.
    - GALLERY: <unit(n q), unit(g)>, its mirror image.
    - BOTH: sum(w q g) / sqrt(sum(w q q) sum(w g g)), w = m n: the cosine weighted by both masks.
    - SUBSPACE: <unit(m q), unit(m g)>, the query's mask on both sides; highest at g = q for every m.
    """

    NONE = "none"
    QUERY = "query"
    GALLERY = "gallery"
    BOTH = "both"
    SUBSPACE = "subspace"
