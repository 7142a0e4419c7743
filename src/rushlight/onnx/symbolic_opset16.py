"""How operators are exported (opset 16): names only."""

from .._names_only import fill
from . import WHY

fill(__name__, WHY, "cast expand select squeeze unsqueeze")
