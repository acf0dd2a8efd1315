"""Random checkpoints in the names of other code bases, and their networks written out plainly."""

import torch
from torch.nn.functional import batch_norm, conv2d, gelu, instance_norm, layer_norm, linear, max_pool2d, relu

from glimpse.models.backbones.resnet import ResNetConfig
from glimpse.models.backbones.vit import ViTConfig


def draw(shapes):
    """Random tensors; variances positive, scales near one."""
    state = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
        elif name.endswith("running_var"):
            state[name] = torch.rand(shape) + 0.5
        else:
            state[name] = torch.randn(shape) * 0.05
            if name.endswith(("norm.weight", "bn1.weight", "bn2.weight", "bn3.weight")):
                state[name] += 1
    return state


def norm(name, width):
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def dense(name, width, out):
    return {f"{name}.weight": (out, width), f"{name}.bias": (out,)}


def quick_gelu(x):
    return x * torch.sigmoid(1.702 * x)


def attend(x, weight, bias, out_weight, out_bias, heads, mask=None):
    batch, tokens, width = x.shape
    query, key, value = (
        part.view(batch, tokens, heads, -1).transpose(1, 2) for part in linear(x, weight, bias).chunk(3, -1)
    )
    logits = query @ key.transpose(-2, -1) / (width // heads) ** 0.5
    if mask is not None:
        logits = logits.masked_fill(~mask, -torch.inf)
    mixed = (logits.softmax(-1) @ value).transpose(1, 2).reshape(x.shape)
    return linear(mixed, out_weight, out_bias)


# --- timm, TransReID, DPM -----------------------------------------------------------------------------


def timm_block(name, width=128):
    return {
        **norm(f"{name}norm1", width),
        **dense(f"{name}attn.qkv", width, 3 * width),
        **dense(f"{name}attn.proj", width, width),
        **norm(f"{name}norm2", width),
        **dense(f"{name}mlp.fc1", width, 2 * width),
        **dense(f"{name}mlp.fc2", 2 * width, width),
    }


def timm_shapes(places, *, patch=16, width=128, depth=3):
    shapes = {
        "cls_token": (1, 1, width),
        "pos_embed": (1, 1 + places, width),
        "patch_embed.proj.weight": (width, 3, patch, patch),
        "patch_embed.proj.bias": (width,),
        **norm("norm", width),
    }
    for number in range(depth):
        shapes |= timm_block(f"blocks.{number}.", width)
    return shapes


def prefixed(shapes, prefix):
    return {prefix + name: shape for name, shape in shapes.items()}


def timm_block_forward(state, name, x, heads=2):
    def get(key):
        return state[f"{name}{key}.weight"], state[f"{name}{key}.bias"]

    y = layer_norm(x, x.shape[-1:], *get("norm1"), eps=1e-6)
    x = x + attend(y, *get("attn.qkv"), *get("attn.proj"), heads)
    y = layer_norm(x, x.shape[-1:], *get("norm2"), eps=1e-6)
    return x + linear(gelu(linear(y, *get("mlp.fc1"))), *get("mlp.fc2"))


def timm_forward(state, images, *, stride, position=None, side=None, depth=3, last=True):
    """`last` false leaves out the last block and the norm, as JPM's trunk does."""
    weight, bias = state["patch_embed.proj.weight"], state["patch_embed.proj.bias"]
    patches = conv2d(images, weight, bias, stride=stride).flatten(2).transpose(1, 2)
    x = torch.cat([state["cls_token"].expand(len(images), -1, -1), patches], 1)
    x = x + (state["pos_embed"] if position is None else position)
    if side is not None:
        x = x + 3.0 * state["sie_embed"][side]
    for number in range(depth if last else depth - 1):
        x = timm_block_forward(state, f"blocks.{number}.", x)
    return layer_norm(x, x.shape[-1:], state["norm.weight"], state["norm.bias"], 1e-6) if last else x


# --- CLIP ---------------------------------------------------------------------------------------------


def clip_block(name, width):
    return {
        **norm(f"{name}ln_1", width),
        f"{name}attn.in_proj_weight": (3 * width, width),
        f"{name}attn.in_proj_bias": (3 * width,),
        **dense(f"{name}attn.out_proj", width, width),
        **norm(f"{name}ln_2", width),
        **dense(f"{name}mlp.c_fc", width, 4 * width),
        **dense(f"{name}mlp.c_proj", 4 * width, width),
    }


def clip_image_shapes(prefix, places, *, width=128, depth=2, patch=16, projection=24):
    shapes = {
        f"{prefix}conv1.weight": (width, 3, patch, patch),
        f"{prefix}class_embedding": (width,),
        f"{prefix}positional_embedding": (1 + places, width),
        f"{prefix}proj": (width, projection),
        **norm(f"{prefix}ln_pre", width),
        **norm(f"{prefix}ln_post", width),
    }
    for number in range(depth):
        shapes |= clip_block(f"{prefix}transformer.resblocks.{number}.", width)
    return shapes


def clip_text_shapes(prefix="", *, width=64, depth=2, projection=24, context=12, vocabulary=40):
    shapes = {
        f"{prefix}positional_embedding": (context, width),
        f"{prefix}text_projection": (width, projection),
        **norm(f"{prefix}ln_final", width),
    }
    if not prefix:
        shapes["token_embedding.weight"] = (vocabulary, width)
    for number in range(depth):
        shapes |= clip_block(f"{prefix}transformer.resblocks.{number}.", width)
    return shapes


def clip_block_forward(state, name, x, heads, mask=None):
    def get(key):
        return state[f"{name}{key}.weight"], state[f"{name}{key}.bias"]

    inside = (state[f"{name}attn.in_proj_weight"], state[f"{name}attn.in_proj_bias"])
    y = layer_norm(x, x.shape[-1:], *get("ln_1"))
    x = x + attend(y, *inside, *get("attn.out_proj"), heads, mask)
    y = layer_norm(x, x.shape[-1:], *get("ln_2"))
    return x + linear(quick_gelu(linear(y, *get("mlp.c_fc"))), *get("mlp.c_proj"))


def clip_image_forward(state, images, prefix, *, stride=16, side=None, depth=2):
    """The class token after the last norm, and projected."""
    patches = conv2d(images, state[f"{prefix}conv1.weight"], stride=stride).flatten(2).transpose(1, 2)
    first = state[f"{prefix}class_embedding"].expand(len(images), 1, -1)
    if side is not None:
        first = first + state["cv_embed"][side].unsqueeze(1)
    x = torch.cat([first, patches], 1) + state[f"{prefix}positional_embedding"]
    x = layer_norm(x, x.shape[-1:], state[f"{prefix}ln_pre.weight"], state[f"{prefix}ln_pre.bias"])
    for number in range(depth):
        x = clip_block_forward(state, f"{prefix}transformer.resblocks.{number}.", x, heads=2)
    x = layer_norm(x[:, 0], x.shape[-1:], state[f"{prefix}ln_post.weight"], state[f"{prefix}ln_post.bias"])
    return x, x @ state[f"{prefix}proj"]


def clip_text_forward(state, ids, ends, depth=2):
    x = state["token_embedding.weight"][ids] + state["positional_embedding"][: ids.shape[1]]
    mask = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
    for number in range(depth):
        x = clip_block_forward(state, f"transformer.resblocks.{number}.", x, heads=1, mask=mask)
    x = layer_norm(x, x.shape[-1:], state["ln_final.weight"], state["ln_final.bias"])
    return x[torch.arange(len(x)), ends] @ state["text_projection"]


def to_hub_clip(state):
    """OpenAI's names and layout as the hub's transformers have them."""
    blocks = {"ln_1": "layer_norm1", "ln_2": "layer_norm2", "attn.out_proj": "self_attn.out_proj",
              "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}  # fmt: skip
    names = {
        "visual.class_embedding": "vision_model.embeddings.class_embedding",
        "visual.conv1.weight": "vision_model.embeddings.patch_embedding.weight",
        "visual.positional_embedding": "vision_model.embeddings.position_embedding.weight",
        "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
        "positional_embedding": "text_model.embeddings.position_embedding.weight",
        "logit_scale": "logit_scale",
    }
    norms = {
        "visual.ln_pre": "vision_model.pre_layrnorm",
        "visual.ln_post": "vision_model.post_layernorm",
        "ln_final": "text_model.final_layer_norm",
    }
    for ours, theirs in norms.items():
        for end in ("weight", "bias"):
            names[f"{ours}.{end}"] = f"{theirs}.{end}"
    result = {names[key]: value for key, value in state.items() if key in names}
    result["visual_projection.weight"] = state["visual.proj"].T.contiguous()
    result["text_projection.weight"] = state["text_projection"].T.contiguous()
    for key, value in state.items():
        modality = "vision_model" if key.startswith("visual.") else "text_model"
        _, found, rest = key.partition("transformer.resblocks.")
        if not found:
            continue
        number, inside = rest.split(".", 1)
        name = f"{modality}.encoder.layers.{number}."
        if inside.startswith("attn.in_proj"):
            for letter, part in zip("qkv", value.chunk(3), strict=True):
                result[f"{name}self_attn.{letter}_proj.{inside.removeprefix('attn.in_proj_')}"] = part.clone()
        else:
            layer, end = inside.rsplit(".", 1)
            result[f"{name}{blocks[layer]}.{end}"] = value
    for modality, places in (("vision_model", 5), ("text_model", 12)):
        result[f"{modality}.embeddings.position_ids"] = torch.arange(places).unsqueeze(0)
    return result


# --- residual networks --------------------------------------------------------------------------------


def counted_norm(name, channels):
    return {
        **norm(name, channels),
        f"{name}.running_mean": (channels,),
        f"{name}.running_var": (channels,),
        f"{name}.num_batches_tracked": (),
    }


def stem_shapes(prefix="", width=4):
    return {f"{prefix}conv1.weight": (width, 3, 7, 7), **counted_norm(f"{prefix}bn1", width)}


def stage_shapes(prefix="", *, width=4, depths=(1, 2, 2, 1), ibn=False):
    shapes, channels = {}, width
    for stage, depth in enumerate(depths):
        inner = width * 2**stage
        for number in range(depth):
            name = f"{prefix}layer{stage + 1}.{number}."
            shapes[f"{name}conv1.weight"] = (inner, channels, 1, 1)
            if ibn and stage < 3:
                shapes |= norm(f"{name}bn1.IN", inner // 2)
                shapes |= counted_norm(f"{name}bn1.BN", inner - inner // 2)
            else:
                shapes |= counted_norm(f"{name}bn1", inner)
            shapes[f"{name}conv2.weight"] = (inner, inner, 3, 3)
            shapes |= counted_norm(f"{name}bn2", inner)
            shapes[f"{name}conv3.weight"] = (4 * inner, inner, 1, 1)
            shapes |= counted_norm(f"{name}bn3", 4 * inner)
            if number == 0:
                shapes[f"{name}downsample.0.weight"] = (4 * inner, channels, 1, 1)
                shapes |= counted_norm(f"{name}downsample.1", 4 * inner)
            channels = 4 * inner
    return shapes


def batch(state, name, x):
    parts = (state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
    return batch_norm(x, *parts)


def stem_forward(state, images, prefix=""):
    x = conv2d(images, state[f"{prefix}conv1.weight"], stride=2, padding=3)
    return max_pool2d(relu(batch(state, f"{prefix}bn1", x)), 3, 2, 1)


def bottleneck_forward(state, name, x, stride):
    y = conv2d(x, state[f"{name}conv1.weight"])
    if f"{name}bn1.IN.weight" in state:
        half = len(state[f"{name}bn1.IN.weight"])
        scale, shift = state[f"{name}bn1.IN.weight"], state[f"{name}bn1.IN.bias"]
        first = instance_norm(y[:, :half], weight=scale, bias=shift)
        y = torch.cat([first, batch(state, f"{name}bn1.BN", y[:, half:])], 1)
    else:
        y = batch(state, f"{name}bn1", y)
    y = relu(batch(state, f"{name}bn2", conv2d(relu(y), state[f"{name}conv2.weight"], None, stride, 1)))
    y = batch(state, f"{name}bn3", conv2d(y, state[f"{name}conv3.weight"]))
    if f"{name}downsample.0.weight" in state:
        x = batch(state, f"{name}downsample.1", conv2d(x, state[f"{name}downsample.0.weight"], None, stride))
    return relu(x + y)


def stages_forward(state, x, prefix="", depths=(1, 2, 2, 1), after=None):
    for stage, depth in enumerate(depths):
        for number in range(depth):
            stride = 2 if number == 0 and stage in (1, 2) else 1
            x = bottleneck_forward(state, f"{prefix}layer{stage + 1}.{number}.", x, stride)
            if after is not None:
                x = after(x, stage, number)
    return x


def non_local_shapes(name, channels, inner):
    return {
        f"{name}.g.0.weight": (inner, channels, 1, 1),
        f"{name}.g.0.bias": (inner,),
        f"{name}.theta.weight": (inner, channels, 1, 1),
        f"{name}.theta.bias": (inner,),
        f"{name}.phi.weight": (inner, channels, 1, 1),
        f"{name}.phi.bias": (inner,),
        f"{name}.W.0.weight": (channels, inner, 1, 1),
        f"{name}.W.0.bias": (channels,),
        **counted_norm(f"{name}.W.1", channels),
    }


def non_local_forward(state, name, x):
    def layer(key):
        return conv2d(x, state[f"{name}.{key}.weight"], state[f"{name}.{key}.bias"]).flatten(2)

    query, key, value = layer("theta"), layer("phi"), layer("g.0")
    mixed = ((query.transpose(1, 2) @ key / key.shape[-1]) @ value.transpose(1, 2)).transpose(1, 2)
    mixed = mixed.unflatten(2, x.shape[2:])
    return x + batch(
        state, f"{name}.W.1", conv2d(mixed, state[f"{name}.W.0.weight"], state[f"{name}.W.0.bias"])
    )


# --- BERT ---------------------------------------------------------------------------------------------


def bert_shapes(width=128, depth=2, hidden=96, vocabulary=30, context=12):
    shapes = {
        "embeddings.word_embeddings.weight": (vocabulary, width),
        "embeddings.position_embeddings.weight": (context, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        **norm("embeddings.LayerNorm", width),
        **dense("pooler.dense", width, width),
    }
    for number in range(depth):
        name = f"encoder.layer.{number}."
        for part in ("query", "key", "value"):
            shapes |= dense(f"{name}attention.self.{part}", width, width)
        shapes |= dense(f"{name}attention.output.dense", width, width)
        shapes |= norm(f"{name}attention.output.LayerNorm", width)
        shapes |= dense(f"{name}intermediate.dense", width, hidden)
        shapes |= dense(f"{name}output.dense", hidden, width)
        shapes |= norm(f"{name}output.LayerNorm", width)
    return shapes


def bert_forward(state, ids, mask, depth=2):
    def get(name):
        return state[f"{name}.weight"], state[f"{name}.bias"]

    x = state["embeddings.word_embeddings.weight"][ids]
    x = x + state["embeddings.position_embeddings.weight"][: ids.shape[1]]
    x = x + state["embeddings.token_type_embeddings.weight"][0]
    x = layer_norm(x, x.shape[-1:], *get("embeddings.LayerNorm"), eps=1e-12)
    for number in range(depth):
        name = f"encoder.layer.{number}."
        weight, bias = (
            torch.cat(parts)
            for parts in zip(
                *(get(f"{name}attention.self.{p}") for p in ("query", "key", "value")), strict=True
            )
        )
        y = attend(x, weight, bias, *get(f"{name}attention.output.dense"), 2, mask[:, None, None, :])
        x = layer_norm(x + y, x.shape[-1:], *get(f"{name}attention.output.LayerNorm"), eps=1e-12)
        y = linear(gelu(linear(x, *get(f"{name}intermediate.dense"))), *get(f"{name}output.dense"))
        x = layer_norm(x + y, x.shape[-1:], *get(f"{name}output.LayerNorm"), eps=1e-12)
    return x


SMALL = ViTConfig(image=(64, 64), width=128, depth=3, heads=2, mlp_ratio=2)


NARROW = ResNetConfig(depths=(1, 2, 2, 1), width=4)


def copied(backbone):
    return {name: value.clone() for name, value in backbone.state_dict().items()}


def unchanged(backbone, before):
    return all(value.equal(before[name]) for name, value in backbone.state_dict().items())
