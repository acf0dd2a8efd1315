import sys
from pathlib import Path

# `pictures` holds what these tests share; importlib mode puts no test folder on the path by itself.
sys.path.insert(0, str(Path(__file__).parent))
