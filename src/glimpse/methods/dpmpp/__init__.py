"""DPM++: masks that learn from pairs of whole and occluded pictures, and prototypes that know words."""
