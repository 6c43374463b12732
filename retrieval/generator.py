"""Text from a causal language model, token by token. Knows prompts and tokens, not passages and what they support.

A model folder holds ``config.json``, ``model.safetensors``, ``tokenizer.json`` and a chat template. Llama-like models
run on the forward pass of ``retrieval.llama``; every other architecture through transformers.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer
from torch import Tensor

from retrieval.errors import BaseModelError
from retrieval.llama import Llama, LlamaShape

CHAT_TEMPLATE = "chat_template.jinja"
MAX_NEW_TOKENS = 120
PROMPT_TOKENS = 420
REPEATED_TOKENS = 16
"""A model that writes this many tokens for the second time goes round in circles, and is stopped."""


_TURN_ENDS = ("<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "</s>")


class TokenModel(Protocol):
    """What generation needs of a model: the tokens of a prompt in, one best next token after the other out."""

    def tokens(self, prompt: Sequence[int], limit: int) -> Iterator[int]:
        """At most ``limit`` further tokens, greedily."""
        ...


class Generator:
    """A causal model with its tokenizer and chat template. Greedy, so the same prompt gives the same text."""

    prompt_tokens = PROMPT_TOKENS

    def __init__(self, model: TokenModel, tokenizer: Tokenizer, template: str, special: dict[str, str]) -> None:
        self._model, self._tokenizer = model, tokenizer
        self._template_text = template
        self._template = _Environment.from_string(template)
        self._special = special
        added = tokenizer.get_added_tokens_decoder().items()
        self._control = sorted((token.content for _, token in added if token.special), key=len, reverse=True)
        ends = (special.get("eos_token"), *_TURN_ENDS)
        numbers = (tokenizer.token_to_id(token) for token in ends if token)
        self._ends = frozenset(number for number in numbers if number is not None)

    @classmethod
    def load(cls, folder: Path, *, device: str = "cpu", calm: threading.Event | None = None) -> "Generator":
        """Read a model folder. ``calm``: see ``Llama``. Raises ``BaseModelError``."""
        try:
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the library raises bare Exception
            raise BaseModelError(f"{folder}: tokenizer.json cannot be read ({error})") from error
        shape = LlamaShape.read(folder)
        model: TokenModel
        if shape is None:
            model = _ForeignModel(folder, device)
        else:
            model = _LlamaModel(Llama.load(folder, shape, device=device, calm=calm))
        template, special = read_template(folder)
        return cls(model, tokenizer, template, special)

    @property
    def end(self) -> int:
        """The token that ends an answer in the chat template."""
        marks = (self._tokenizer.token_to_id(mark) for mark in _TURN_ENDS if mark in self._template_text)
        return next((mark for mark in marks if mark is not None), min(self._ends))

    def encode(self, text: str) -> list[int]:
        """The tokens of a text, nothing added; control tokens in it count as such."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def count(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self.encode(text))

    def prompt(self, system: str, user: str) -> str:
        """Both texts in the model's chat template, up to where the answer begins; control tokens in them are cut.

        A model that knows no system (Gemma) is told all as the user; one that can think aloud is told not to.
        """
        system, user = self._plain(system), self._plain(user)
        try:
            return self._rendered([{"role": "system", "content": system}, {"role": "user", "content": user}])
        except TemplateError:
            return self._rendered([{"role": "user", "content": f"{system}\n\n{user}"}])

    def stream(self, system: str, user: str, *, stop: threading.Event, limit: int = MAX_NEW_TOKENS) -> Iterator[str]:
        """The answer in pieces, as they are written. Ends early when ``stop`` is set, looked at around each token.

        The last piece is ``""`` if the model came to an end by itself, rather than to the limit or in circles.
        """
        if stop.is_set():  # before the prompt is read, which takes longest
            return
        prompt = self.encode(self.prompt(system, user))
        written: list[int] = []
        shown = ""
        for token in self._model.tokens(prompt, limit):
            if stop.is_set() or _repeats(written):
                return
            if token in self._ends:
                yield ""
                return
            written.append(token)
            text = self._tokenizer.decode(written)
            if not text.endswith("\ufffd"):  # a character of several tokens is not whole yet
                yield text[len(shown) :]
                shown = text

    def _rendered(self, messages: Sequence[Mapping[str, str]]) -> str:
        return self._template.render(
            messages=messages, add_generation_prompt=True, enable_thinking=False, **self._special
        )

    def _plain(self, text: str) -> str:
        while any(token in text for token in self._control):
            for token in self._control:
                text = text.replace(token, " ")
        return text


def read_template(folder: Path) -> tuple[str, dict[str, str]]:
    """The chat template of a model folder, and the names of its special tokens. Raises ``BaseModelError``."""
    try:
        config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
        file = folder / CHAT_TEMPLATE
        template = file.read_text("utf-8") if file.is_file() else config.get("chat_template")
        _Environment.from_string(template or "")
    except (OSError, ValueError, TemplateError) as error:
        raise BaseModelError(f"{folder}: no usable tokenizer_config.json or chat template ({error})") from error
    if not isinstance(template, str) or not template:
        raise BaseModelError(f"{folder}: no chat template; use a model that was tuned to follow instructions")
    names = ("bos_token", "eos_token", "pad_token", "unk_token")
    return template, {name: text for name in names if (text := _token_text(config.get(name)))}


class _LlamaModel:
    """Our own forward pass."""

    def __init__(self, model: Llama) -> None:
        self._model = model

    def tokens(self, prompt: Sequence[int], limit: int) -> Iterator[int]:
        """At most ``limit`` tokens after the last ones of the prompt that fit the model's window."""
        prompt = prompt[-(self._model.shape.positions - limit) :]
        cache = self._model.cache(len(prompt) + limit)
        ids = list(prompt)
        for _ in range(limit):
            with _calm(self._model.device), torch.inference_mode():
                ids = [int(self._model(torch.tensor(ids, device=self._model.device), cache).argmax())]
            yield ids[0]


class _ForeignModel:
    """Any other architecture, through transformers."""

    def __init__(self, folder: Path, device: str) -> None:
        from transformers import AutoModelForCausalLM  # noqa: PLC0415 - seconds to import, and rarely needed

        dtype = torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16
        try:
            self._model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise BaseModelError(f"{folder}: transformers cannot load it ({error})") from error
        self._model.to(device).eval()
        self._device = torch.device(device)

    def tokens(self, prompt: Sequence[int], limit: int) -> Iterator[int]:
        """At most ``limit`` tokens after the prompt."""
        ids, cache = torch.tensor([list(prompt)], device=self._device), None
        for _ in range(limit):
            with _calm(self._device), torch.inference_mode():
                output = self._model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
                scores: Tensor = output.logits[0, -1]
            ids, cache = scores.argmax().view(1, 1), output.past_key_values
            yield int(ids[0, 0])


@contextmanager
def _calm(device: torch.device) -> Iterator[None]:
    """One thread: a draft takes seconds, and what other conversations ask in that time should find a free core."""
    before = torch.get_num_threads()
    if device.type != "cpu" or before == 1:
        yield
        return
    torch.set_num_threads(1)  # of the calling thread; torch's threads keep their own number
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _raise(message: str) -> None:
    raise TemplateError(message)


_Environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
_Environment.globals["raise_exception"] = _raise


def _token_text(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""


def _repeats(written: Sequence[int]) -> bool:
    """Whether the last tokens were written before."""
    tail = tuple(written[-REPEATED_TOKENS:])
    if len(tail) < REPEATED_TOKENS:
        return False
    return any(tuple(written[at : at + REPEATED_TOKENS]) == tail for at in range(len(written) - REPEATED_TOKENS))
