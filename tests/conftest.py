"""What several kinds of test share: modules beside this file can be imported, and an assistant is trained only once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from kefu_process import copied, kefu, trained


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Torch with one thread: in a tiny model, or on a busy machine, several only wait for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def trained_shop(tmp_path_factory) -> Path:
    """The starter assistant, made and trained by the commands, generator and all. Not to be changed: take ``shop``.

    ``KEFU_TEST_SHOP`` may name a folder that was trained before, which saves four minutes on two cores.
    """
    if given := os.environ.get("KEFU_TEST_SHOP"):
        return Path(given)
    folder = tmp_path_factory.mktemp("trained") / "shop"
    done = kefu("init", folder)
    assert done.returncode == 0, done.stderr
    return trained(folder, "--generator")


@pytest.fixture
def shop(trained_shop, tmp_path) -> Path:
    """A trained starter assistant of the test's own."""
    return copied(trained_shop, tmp_path / "shop")


@pytest.fixture(scope="session")
def trained_small(tmp_path_factory) -> Path:
    """An assistant of 68 examples, trained; quick to train again. Not to be changed: take ``small``."""
    if given := os.environ.get("KEFU_TEST_SMALL"):
        return Path(given)
    folder = tmp_path_factory.mktemp("trained") / "small"
    return trained(copied(Path(__file__).parents[1] / "bot" / "starter" / "small", folder), "--no-generator")


@pytest.fixture
def small(trained_small, tmp_path) -> Path:
    """A trained small assistant of the test's own."""
    return copied(trained_small, tmp_path / "small")
