"""`Gallery`: images of people that persist, searched exactly, and kept with care for who is in them."""

from glimpse.gallery.answers import Added, Answer, Found, Info, Match, SpaceInfo
from glimpse.gallery.audit import Event
from glimpse.gallery.gallery import Gallery
from glimpse.gallery.held import Access
from glimpse.gallery.spaces import MadeElsewhere
from glimpse.gallery.store import Store
from glimpse.gallery.where import Where

__all__ = [
    "Access",
    "Added",
    "Answer",
    "Event",
    "Found",
    "Gallery",
    "Info",
    "MadeElsewhere",
    "Match",
    "SpaceInfo",
    "Store",
    "Where",
]
