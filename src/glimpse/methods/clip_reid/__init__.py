"""CLIP-ReID: words are learned for every person, then the image tower is trained towards them."""
