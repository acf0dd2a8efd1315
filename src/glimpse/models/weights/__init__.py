"""Reading weights: ours and other people's, by renaming, with an account of every tensor."""

from glimpse.models.weights.install import Encoder
from glimpse.models.weights.load import Imported, MadeFor, import_encoders, load_encoder, load_weights
from glimpse.models.weights.report import ImportReport
from glimpse.models.weights.saved import Config, build, config_from_json, config_to_json, save_encoder
from glimpse.models.weights.styles import STYLES, Style, detect_style, style

__all__ = [
    "STYLES",
    "Config",
    "Encoder",
    "ImportReport",
    "Imported",
    "MadeFor",
    "Style",
    "build",
    "config_from_json",
    "config_to_json",
    "detect_style",
    "import_encoders",
    "load_encoder",
    "load_weights",
    "save_encoder",
    "style",
]
