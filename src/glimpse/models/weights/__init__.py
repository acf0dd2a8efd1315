"""Reading weights: ours and other people's, by renaming, with an account of every tensor."""

from glimpse.models.weights.install import Backbone
from glimpse.models.weights.load import Imported, MadeFor, import_backbones, load_backbone, load_weights
from glimpse.models.weights.report import ImportReport
from glimpse.models.weights.saved import Config, build, config_from_json, config_to_json, save_backbone
from glimpse.models.weights.styles import STYLES, Style, detect_style, style

__all__ = [
    "STYLES",
    "Backbone",
    "Config",
    "ImportReport",
    "Imported",
    "MadeFor",
    "Style",
    "build",
    "config_from_json",
    "config_to_json",
    "detect_style",
    "import_backbones",
    "load_backbone",
    "load_weights",
    "save_backbone",
    "style",
]
