"""What every test shares."""

from hypothesis import settings

# a deadline measures the machine, not the code: on a busy one, a slow example is no failure
settings.register_profile("glimpse", deadline=None)
settings.load_profile("glimpse")
