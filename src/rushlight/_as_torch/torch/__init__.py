"""`torch`, for processes that a program under ``rushlight run`` starts.

They inherit the program's ``sys.path``, in which this folder stands, not its ``sys.meta_path``.  So the first
``import torch`` there comes here, installs the alias, and gives way to Rushlight.
"""

import sys

import rushlight

del sys.modules[__name__]
rushlight.install_as_torch()
sys.modules[__name__] = rushlight
