import sys
from pathlib import Path

import numpy as np
import pytest

# what these tests share; importlib mode puts no test folder on the path by itself
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def rng():
    return np.random.default_rng(20)
