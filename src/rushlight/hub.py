"""``torch.hub``: models from the network, which Rushlight does not use; each name says what to do instead."""

from __future__ import annotations

import os
import re
from typing import Any, NoReturn
from urllib.parse import urlparse

from .utils.model_zoo import load_state_dict_from_url


def _refuse(name: str, what: Any) -> NoReturn:
    raise NotImplementedError(
        f"torch.hub.{name}() would fetch {what!r} and run its code: Rushlight does neither. Install the model's "
        "package, or download its weights and load them with torch.load(path)."
    )


def load(repo_or_dir: str, model: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Not available: it fetches a repository and runs its code."""
    _refuse("load", repo_or_dir)


def list(github: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Not available: it fetches a repository and runs its code."""
    _refuse("list", github)


def help(github: str, model: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Not available: it fetches a repository and runs its code."""
    _refuse("help", github)


def download_url_to_file(url: str, dst: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Not available: it uses the network."""
    _refuse("download_url_to_file", url)


HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")  # the hash in the name of a file of weights

_dir: str | None = None


def get_dir() -> str:
    """The folder in which PyTorch keeps what it has fetched."""
    home = os.environ.get("TORCH_HOME", os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "torch"))
    return _dir or os.path.join(os.path.expanduser(home), "hub")


def _get_torch_home() -> str:
    return os.path.dirname(get_dir())


def set_dir(d: str) -> None:
    """Choose that folder."""
    global _dir
    _dir = os.path.expanduser(d)


__all__ = ["download_url_to_file", "get_dir", "help", "list", "load", "load_state_dict_from_url", "set_dir", "urlparse"]


def __getattr__(name: str) -> Any:
    if name != "tqdm":
        raise AttributeError(f"module 'torch.hub' has no attribute '{name}'")
    try:
        from tqdm import tqdm  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        raise ImportError("torch.hub.tqdm is the class of the package tqdm, which is not installed") from None
    return tqdm
