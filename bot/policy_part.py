"""The policies in a release: ``policy.json``, and beside it the weights of the learned network where there is one."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from bot.dialogue.domain import Domain
from bot.dialogue.policies.ensemble import Policies
from bot.errors import ReleaseError
from bot.release import Release, write_json

if TYPE_CHECKING:
    from bot.dialogue.policies.network import Network

PART = "policy"
POLICIES = "policy.json"
NETWORK = "network.json"
WEIGHTS = "network.safetensors"


def load_policies(release: Release, domain: Domain) -> Policies:
    """The policies of a release, for the domain of its project. Raises ReleaseError where they cannot be read."""
    folder = release.folder / PART
    try:
        obj = json.loads((folder / POLICIES).read_text("utf-8"))
        return Policies.from_json(obj, domain, network=_network(folder) if (folder / NETWORK).exists() else None)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ReleaseError(f"{release.folder}: its policies cannot be read ({exc}); train again") from exc


def save_policies(folder: Path, policies: Policies, network: "Network | None") -> None:
    """Write what ``load_policies`` reads into a folder, which is made."""
    folder.mkdir()
    write_json(folder / POLICIES, policies.to_json())
    if network is not None:
        from safetensors.numpy import save_file  # noqa: PLC0415 - see _network

        write_json(folder / NETWORK, network.to_json())
        save_file(dict(network.weights), folder / WEIGHTS)


def _network(folder: Path) -> "Network":
    # Both need numpy, and a start without a learned policy does not.
    from safetensors import SafetensorError  # noqa: PLC0415
    from safetensors.numpy import load_file  # noqa: PLC0415

    from bot.dialogue.policies.network import Network  # noqa: PLC0415

    try:
        weights = load_file(folder / WEIGHTS)
    except SafetensorError as exc:
        raise ValueError(f"{WEIGHTS}: {exc}") from exc
    return Network.from_json(json.loads((folder / NETWORK).read_text("utf-8")), weights)
