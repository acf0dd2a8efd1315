"""DPM, dynamic prototype masks for occluded people (dpm_family 3)."""
