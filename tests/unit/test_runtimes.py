"""The graph that other runtimes are given computes what Kefu's own network does."""

from pathlib import Path

import pytest
import torch
from tiny_encoder import write_tiny_bert

from nlu.encoder import read_base
from nlu.network import HeadShape, Network
from nlu.tokens import TextEncoder, pack
from training.bench_runtimes import Figures, main, table
from training.runtimes import Padded, session


@pytest.mark.parametrize(
    "texts", [["where is my order"], ["hello", "i want to fly", "where is my order number 1 2 3 ?"]]
)
def test_a_table_of_texts_gives_the_scores_of_packed_ones(texts: list[str], tmp_path: Path) -> None:
    folder = write_tiny_bert(tmp_path / "tiny")
    shape, weights = read_base(folder)
    torch.manual_seed(0)
    network = Network(shape, HeadShape(classes=3, tags=5), dropout=0.0).eval().requires_grad_(False)
    network.encoder.load_state_dict(weights)
    packed = pack(TextEncoder.load(folder / "tokenizer.json", max_tokens=32).encode(texts))
    padded = Padded(network)
    ours = network(packed, None)
    theirs = session(lambda table: [part.numpy() for part in padded(*map(torch.from_numpy, table.values()))])(
        packed, None
    )
    for name in ("pooled", "classes", "tags", "roles", "groups"):
        torch.testing.assert_close(getattr(theirs, name), getattr(ours, name), atol=1e-5, rtol=1e-4)


def test_a_runtime_without_figures_says_why() -> None:
    rows = [
        Figures(
            runtime="one", threads=1, accuracy=0.85, p50_ms=1.234, messages_per_s=99.6, memory_mb=300.4, load_s=0.5
        ),
        Figures(runtime="two", threads=1, fault="ImportError: no two"),
    ]
    first, second = table(rows).splitlines()[2:]
    assert first == "| one | 1 | 85.0 | 1.23 | 0.00 | 100 | 300 | 0.50 |"
    assert second == "| two | 1 | ImportError: no two | | | | | |"


def test_without_the_data_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 2
    assert "name the folder with --data" in capsys.readouterr().err
