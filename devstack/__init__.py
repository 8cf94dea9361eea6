"""The development stack: the project's own template on MiniStack, with simulated providers.

Nothing in functions/ or layers/ knows of it. Settings of the environment come first, MiniStack is
imported after them (it reads them as it is imported), and AWS is spoken to through its public APIs.
"""

import sys
from pathlib import Path

# The functions' package is installed nowhere: `checks` reads the settings as the functions will.
sys.path.append(str(Path(__file__).parents[1] / "layers" / "videoapi"))
