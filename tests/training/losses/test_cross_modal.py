import pytest
import torch
from torch.autograd import gradcheck

from glimpse.training.losses import hetero_center_triplet

FEATURES = torch.randn(10, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
LABELS = torch.tensor([3, 3, 3, 3, 8, 8, 8, 9, 9, 9])
INFRARED = torch.tensor([0, 1, 0, 1, 1, 0, 0, 1, 1, 0]).bool()


def naive(features, labels, infrared, margin):
    centers = {}
    for label in sorted(set(labels.tolist())):
        for band in (False, True):
            rows = [i for i in range(len(labels)) if labels[i] == label and infrared[i] == band]
            if rows:
                centers[label, band] = features[rows].mean(0)
    losses = []
    for (label, band), center in centers.items():
        other = centers.get((label, not band), center)
        negatives = [(center - value).norm() for (who, _), value in centers.items() if who != label]
        losses.append(max(0.0, float((center - other).norm() - min(negatives) + margin)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("margin", [0.0, 0.3, 5.0])
def test_centers_of_a_person_come_near_to_each_other_and_apart_from_others(margin):
    expected = naive(FEATURES, LABELS, INFRARED, margin)
    assert hetero_center_triplet(FEATURES, LABELS, INFRARED, margin).item() == pytest.approx(
        expected, abs=1e-6
    )
    assert margin == 0 or expected > 0


def test_a_person_of_one_modality_has_nothing_to_come_near_to():
    infrared = INFRARED & (LABELS != 9)
    expected = naive(FEATURES, LABELS, infrared, 2.0)
    assert hetero_center_triplet(FEATURES, LABELS, infrared, 2.0).item() == pytest.approx(expected, abs=1e-6)


def test_gradients():
    features = FEATURES.clone().requires_grad_()
    assert gradcheck(lambda x: hetero_center_triplet(x, LABELS, INFRARED, 3.0), (features,))
