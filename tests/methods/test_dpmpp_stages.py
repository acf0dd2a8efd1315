"""DPM++'s stages: what each trains, at which rate, from which start."""

import numpy as np
import pytest
import torch
from short_dpmpp import VIT, prepared, with_masks

from glimpse.choices import Form, MaskKind
from glimpse.methods.dpm import MAIN, MASK
from glimpse.methods.dpmpp import ADAPT, METRIC, PROMPTS
from glimpse.methods.dpmpp_stages import begin_from_rows


def test_on_clip_there_are_three_stages_and_on_imagenets_backbone_two(micro, people):
    assert [stage.name for stage in prepared(micro, people).stages] == [PROMPTS, ADAPT, METRIC]
    assert [stage.name for stage in prepared(micro, people, VIT).stages] == [ADAPT, METRIC]
    at_once = prepared(micro, people, VIT, adapt_epochs=0)
    assert [stage.name for stage in at_once.stages] == [METRIC]
    assert at_once.stages[0].begin is begin_from_rows


def test_the_rates_go_on_from_stage_to_stage(micro, people):
    changes = {"adapt_epochs": 10, "epochs": 60}
    _, adapt, metric = prepared(micro, people, **changes).stages
    first, second = (stage.updates[0].optimizers[0].schedule for stage in (adapt, metric))
    assert [first(epoch, 5e-6) for epoch in (1, 10)] == pytest.approx([9.5e-7, 5e-6])
    assert [second(epoch, 5e-6) for epoch in (1, 20, 40)] == pytest.approx([5e-6, 5e-7, 5e-8])
    mask = metric.updates[1].optimizers[0]
    assert mask.lr == 3.5e-4
    assert mask.schedule(20, 1.0) == pytest.approx(0.1)


def test_what_starts_at_random_learns_ten_times_as_fast(micro, people):
    ready = prepared(micro, people)
    built = ready.stages[1].updates[0].optimizers[0].build(ready.method)
    rates = {id(p): group["lr"] for group in built.param_groups for p in group["params"]}
    assert rates[id(ready.method.classes)] == pytest.approx(5e-5)
    assert rates[id(ready.method.network.backbone.position)] == pytest.approx(5e-6)
    assert id(ready.method.prompts.words) not in rates


def test_each_stage_trains_its_own_parts(micro, people):
    words, adapt, metric = prepared(micro, people).stages
    assert words.updates[0].optimizers[0].parameters == ("prompts.words",)
    assert set(adapt.updates[0].optimizers[0].exclude) == {"prompts.words", "network.mask_head.*"}
    assert [update.name for update in metric.updates] == [MAIN, MASK]
    assert [u.name for u in prepared(micro, people, form=Form.JOINT).stages[2].updates] == [MAIN]
    assert [u.name for u in prepared(micro, people, mask=MaskKind.NONE).stages[2].updates] == [MAIN]


def test_the_necks_begin_with_the_statistics_of_the_rows(micro, people):
    ready = prepared(micro, people, VIT)
    begin_from_rows(ready.method, with_masks(people))
    network = ready.method.network.eval()
    pixels = torch.from_numpy(people.pixels.read(np.arange(len(people))))
    images = (pixels.permute(0, 3, 1, 2) / 255 - 0.5) / 0.5
    with torch.no_grad():
        necked = network.neck(network(images, torch.from_numpy(people.cameras)).descriptor)
    torch.testing.assert_close(necked.mean(0), torch.zeros(64), atol=1e-4, rtol=0)
    torch.testing.assert_close(necked.var(0), torch.ones(64), atol=2e-2, rtol=0)


def test_prototypes_begin_where_the_words_are(micro, people):
    ready = prepared(micro, people)
    begin_from_rows(ready.method, with_masks(people))
    method = ready.method.eval()
    pixels = torch.from_numpy(people.pixels.read(np.arange(len(people))))
    images = (pixels.permute(0, 3, 1, 2) / 255 - 0.5) / 0.5
    with torch.no_grad():
        features = method.network(images, torch.from_numpy(people.cameras))
        necked = method.network.neck(features.descriptor)
        mean = method.network.neck.norm.running_mean
        towards = (features.descriptor - mean) @ method.network.backbone.projection @ method.prototypes.T
        logits = necked @ method.classes.T
    assert method.classes.norm(dim=1).tolist() == pytest.approx([1.0] * 8, abs=1e-5)
    # the same up to one length per person
    ratio = towards / logits
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio), rtol=1e-2, atol=0)
    apart = prepared(micro, people, pull_back=False)
    before = apart.method.classes.detach().clone()
    begin_from_rows(apart.method, with_masks(people))
    assert torch.equal(before, apart.method.classes)
