"""A retriever's encoder as an ONNX file (extra `onnx`), compared with torch before it is handed out."""

from glimpse.retriever.export.export import Exported, Form, export_onnx
from glimpse.retriever.export.parity import ModelEncoder, Parity

__all__ = ["Exported", "Form", "ModelEncoder", "Parity", "export_onnx"]
