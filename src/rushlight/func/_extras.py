"""What ``rl.func`` has beyond PyTorch."""

from .._transforms.custom import custom_jvp, custom_vjp
from .._transforms.extras import checkpoint, hvp, jacobian, stop_gradient

__all__ = ["checkpoint", "custom_jvp", "custom_vjp", "hvp", "jacobian", "stop_gradient"]
