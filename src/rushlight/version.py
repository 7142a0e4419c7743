"""``torch.version``: what this build is, and that it has no accelerator."""

from ._version import torch_version as __version__

debug = False
cuda = None
hip = None
rocm = None
xpu = None
git_version = "unknown"

__all__ = ["__version__", "cuda", "debug", "git_version", "hip", "xpu"]
