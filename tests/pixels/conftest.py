import sys
from pathlib import Path

# `pictures` and `caches` are what these tests share; importlib mode puts no test folder on the path.
sys.path.insert(0, str(Path(__file__).parent))
