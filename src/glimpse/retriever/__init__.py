"""`Retriever`, the unit that is trained, evaluated, exported, shipped and served."""

from glimpse.choices import ChannelOrder
from glimpse.retriever.embedding import Embedded
from glimpse.retriever.encoders.base import Encoder
from glimpse.retriever.encoders.color import ColorEncoder
from glimpse.retriever.encoders.network import NetworkEncoder
from glimpse.retriever.encoders.onnx import OnnxEncoder, Preprocessing
from glimpse.retriever.finish import Finished
from glimpse.retriever.folder import shipped
from glimpse.retriever.images import guess_modalities
from glimpse.retriever.retriever import Retriever

__all__ = [
    "ChannelOrder",
    "ColorEncoder",
    "Embedded",
    "Encoder",
    "Finished",
    "NetworkEncoder",
    "OnnxEncoder",
    "Preprocessing",
    "Retriever",
    "guess_modalities",
    "shipped",
]
