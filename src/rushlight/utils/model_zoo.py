"""Weights from the network: Rushlight loads files only, so these names say how to get one."""

from __future__ import annotations

from typing import Any, NoReturn


def load_url(url: str, model_dir: str | None = None, *args: Any, **kwargs: Any) -> NoReturn:
    """Not available: download the file yourself and give it to ``torch.load``."""
    raise NotImplementedError(
        f"load_url() would download {url}: Rushlight does not use the network. Download the file and load it with "
        "torch.load(path)."
    )


load_state_dict_from_url = load_url

__all__ = ["load_state_dict_from_url", "load_url"]


def __getattr__(name: str) -> Any:
    if name != "tqdm":
        raise AttributeError(f"module 'torch.utils.model_zoo' has no attribute '{name}'")
    from .. import hub

    return hub.tqdm
