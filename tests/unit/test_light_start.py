"""What a start must not import: each of these costs a second, a hundred megabytes, or both."""

import json
import subprocess
import sys
import threading

import pytest
import torch
from torch import nn

from nlu import blank as nlu_blank
from retrieval import blank as retrieval_blank

WATCHED = (
    *("torch", "numpy", "scipy", "faiss", "transformers", "huggingface_hub", "sentence_transformers", "sklearn"),
    *("numba", "pandas", "peft", "gguf", "jieba", "rasa_sdk", "duckling", "cn2an", "torch._dynamo", "sympy"),
)
SERVING = {"torch", "numpy", "scipy", "faiss"}
"""What models need to answer."""


def imported(code: str) -> set[str]:
    """Which of the watched modules a program has imported at its end."""
    program = f"{code}\nimport sys, json\nprint(json.dumps([name for name in {WATCHED!r} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("import bot.cli", set()),
        # The child processes are started before torch is imported.
        ("import bot.app", set()),
        ("import bot.models", SERVING),
        # A part of what loading weights does: torch's compiler is imported by the meta device.
        (
            "import torch\nfrom retrieval.blank import Blank\n"
            "with Blank(), torch.device('meta'): torch.nn.Embedding(9, 4), torch.nn.Linear(4, 9)",
            SERVING,
        ),
    ],
)
def test_nothing_is_imported_that_is_not_needed(code: str, allowed: set[str]) -> None:
    assert imported(code) - allowed == set()


def test_english_words_need_no_chinese_dictionary() -> None:
    code = (
        "import bot.models\nfrom retrieval.words import words, _chinese\nwords('Where is my order?')\n"
        "assert _chinese.cache_info().currsize == 0"
    )
    assert "jieba" not in imported(code)


@pytest.mark.parametrize("blank", [nlu_blank.Blank, retrieval_blank.Blank])
def test_blank_modules_have_no_values_and_others_have(blank) -> None:
    with blank():
        made = nn.Linear(64, 64, bias=False)
        others: list[nn.Linear] = []
        thread = threading.Thread(target=lambda: others.append(nn.Linear(64, 64, bias=False)))
        thread.start()
        thread.join()
        assert float(torch.ones(3).sum()) == 3.0  # all else goes on as ever
    for linear in (*others, nn.Linear(64, 64, bias=False)):
        # Random within 1/8 as torch begins a layer of this width.
        assert 0.05 < float(linear.weight.detach().std()) < 0.1
    weights = torch.arange(64.0 * 64).reshape(64, 64)
    made.load_state_dict({"weight": weights}, assign=True)
    assert torch.equal(made.weight, weights)
