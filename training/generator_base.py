"""Where the weights of a generator lie: ``package:NAME``, a path, or a hub id, into a folder or a GGUF file."""

import importlib.util
from pathlib import Path

from retrieval.errors import BaseModelError

_HUB_FILES = ["*.json", "*.safetensors", "*.jinja"]


def generator_source(base: str) -> Path:
    """A folder with ``config.json``, or a ``.gguf`` file. Raises ``BaseModelError``.

    A package is found without importing it, since such packages import far more than their weights.
    """
    if base.startswith("package:"):
        return _in_package(base.removeprefix("package:"))
    path = Path(base).expanduser()
    if path.exists():
        return _in_folder(path, base)
    if base.startswith((".", "/", "~")) or base.count("/") != 1:
        raise BaseModelError(f"{base}: does not exist; name a model folder, a .gguf file, a hub id or package:NAME")
    return _from_hub(base)


def _in_package(name: str) -> Path:
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        remedy = "install the distribution that carries it (`make install` does for the default), or name another base"
        raise BaseModelError(f"package:{name}: not installed; {remedy}")
    return _in_folder(Path(places[0]), f"package:{name}")


def _in_folder(path: Path, base: str) -> Path:
    if path.is_file() and path.suffix == ".gguf":
        return path
    for config in sorted(path.rglob("config.json"), key=lambda file: len(file.parts)):
        if any(config.parent.glob("*.safetensors")):
            return config.parent
    for file in sorted(path.rglob("*.gguf")):
        return file
    raise BaseModelError(f"{base}: holds no weights; it needs config.json with *.safetensors, or a .gguf file")


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import, and rarely needed
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(name, allow_patterns=_HUB_FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise BaseModelError(f"{name}: not a folder here, and no hub has it ({type(error).__name__})") from error
