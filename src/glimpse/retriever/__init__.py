"""`Retriever`, the unit that is trained, evaluated, exported, shipped and served."""

from glimpse.retriever.colour_encoder import ColourEncoder
from glimpse.retriever.embedding import Embedded
from glimpse.retriever.encoder import Encoder
from glimpse.retriever.folder import shipped
from glimpse.retriever.network_encoder import NetworkEncoder
from glimpse.retriever.onnx_encoder import Channels, Feeding, OnnxEncoder
from glimpse.retriever.retriever import Retriever

__all__ = [
    "Channels",
    "ColourEncoder",
    "Embedded",
    "Encoder",
    "Feeding",
    "NetworkEncoder",
    "OnnxEncoder",
    "Retriever",
    "shipped",
]
