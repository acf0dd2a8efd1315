"""The words that recipes, cards and commands choose by; nothing here needs torch."""

from enum import StrEnum


class OptimizerKind(StrEnum):
    """How gradients become steps."""

    SGD = "sgd"
    ADAM = "adam"
    ADAMW = "adamw"


class SchedulerKind(StrEnum):
    """How the learning rate goes on after the warm-up."""

    CONSTANT = "constant"
    STEPS = "steps"
    COSINE = "cosine"


class Fill(StrEnum):
    """What an erased rectangle is filled with."""

    NOISE = "noise"
    CONSTANT = "constant"


class Dtype(StrEnum):
    """What the network's passes are computed in; metric losses are float32 anyway."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Pool(StrEnum):
    """How a feature map becomes a vector: BoT averages, MoS takes the maximum, AGW the generalized mean."""

    AVERAGE = "gap"
    MAX = "gmp"
    GENERALIZED_MEAN = "gem"


class ImageBackbone(StrEnum):
    """What sees the image where a method has both forms; MoS takes a ViT's patches, AGW its class token."""

    RESNET = "resnet"
    VIT = "vit"


class NonLocalWidth(StrEnum):
    """Inner channels of a non-local block: one, as AGW's released code computes by a slip, or half, as meant.

    See agw.md, "Network".
    """

    ONE = "one"
    HALF = "half"


class EpochLength(StrEnum):
    """How many batches an epoch of the balanced sampler has (baselines.md, "Balanced sampler").

    - IMAGES: as many as see as many images as there are.
    - LARGER: as many as see as many images of a modality as the larger one has; AGW.
    - PERSONS: one pass over the persons, each once; SIM.
    """

    IMAGES = "images"
    LARGER = "larger-modality"
    PERSONS = "persons"


class Triplet(StrEnum):
    """The distance of a triplet loss: one minus the soft Jaccard coefficient, or Euclidean."""

    JACCARD = "jaccard"
    EUCLIDEAN = "euclidean"


class Teacher(StrEnum):
    """What tells SAP where the parts of a person are.

    - STRIPES: bands of equal height, without any look at the image.
    - MAPS: part maps (`glimpse.segmentation.PartSource`).
    """

    STRIPES = "stripes"
    MAPS = "maps"


class Mixing(StrEnum):
    """Where an image is mixed with its donor: in its patch embeddings, or in its pixels."""

    EMBEDDING = "embedding"
    PIXELS = "pixels"


class SimPreset(StrEnum):
    """For which data set the constants of SIM are (sim.md, "Constants")."""

    SYSU = "sysu"
    REGDB = "regdb"


class Copies(StrEnum):
    """What the synthetic copies of a batch are hidden by.

    - TRANSFER: what hides other persons in the training images (dpmpp.md, "Synthetic copies").
    - ERASING: a rectangle of noise; the control.
    """

    TRANSFER = "transfer"
    ERASING = "erasing"


class NeckFeat(StrEnum):
    """Where the embedding is taken: before the neck's batch norm or after it."""

    BEFORE = "before"
    AFTER = "after"


class MaskKind(StrEnum):
    """What makes the masks.

    - FULL: the hierarchical mask generator as published, 59 million parameters for ViT-B (dpm.md, "Mask
      head").
    - LIGHT: one of 2.4 million that reduces each level first (dpmpp.md, "Architecture").
    - STATIC: a control, one learned mask for all images.
    - NONE: a control, ArcFace without a mask: the second classification remains, the network has no mask.
    """

    FULL = "full"
    LIGHT = "light"
    STATIC = "static"
    NONE = "none"


class Form(StrEnum):
    """How backbone and mask head are trained by turns (dpm.md, "Updates").

    - RELEASED: two whole passes per step, the first for everything but the mask head, the second for it.
    - CACHED: the second pass runs only the mask head, on the kept tokens and features of the first.
    - JOINT: one pass and one backward for both.
    """

    RELEASED = "released"
    CACHED = "cached"
    JOINT = "joint"


class Backbone(StrEnum):
    """What the backbone is.

    - VIT: ImageNet's; without texts (dpmpp.md, "Schedule").
    - CLIP: CLIP's image backbone, with what its text backbone knows of the persons.
    """

    VIT = "vit"
    CLIP = "clip"


class Reads(StrEnum):
    """What a method learns from: each image once, or each image with its captions."""

    IMAGES = "images"
    CAPTIONS = "images and captions"


class Size(StrEnum):
    """`micro` and `tiny` are for CPUs, `small` and `base` published (`glimpse.models.backbones.sizes`)."""

    MICRO = "micro"
    TINY = "tiny"
    SMALL = "small"
    BASE = "base"


class UnknownCamera(StrEnum):
    """What stands for a camera that the backbone was not trained with (dpm.md, "Unknown cameras")."""

    ZERO = "zero"
    MEAN = "mean"


class MaskSide(StrEnum):
    """Whose mask is applied to what, for a query q with mask m and a gallery vector g with mask n.

    Products are per dimension; `unit` scales a vector to length 1 (dpm.md, "Retrieval").

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


class Filter(StrEnum):
    """How new pixels are computed from old ones: as Pillow does it, antialiased, or as OpenCV does.

    - OPENCV: `cv2.resize` with INTER_LINEAR, which is bilinear and does not antialias.
    """

    BICUBIC = "bicubic"
    BILINEAR = "bilinear"
    OPENCV = "opencv-bilinear"


class ChannelOrder(StrEnum):
    """The order of colors that a model wants; OpenCV's is BGR."""

    RGB = "rgb"
    BGR = "bgr"
