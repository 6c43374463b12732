"""A vocabulary that grows by what an assistant's own data needs.

An English base model reads most Chinese characters and emoji as "unknown". Every such character of the training
data gets a row of its own, so that an assistant in Chinese can be learned with the default base, from its examples.
"""

import json
from collections.abc import Iterable

from tokenizers import Tokenizer


def grown_tokenizer(tokenizer: Tokenizer, texts: Iterable[str]) -> tuple[Tokenizer, int]:
    """The tokenizer with the unknown characters of ``texts``, and the number of rows that were added.

    Only WordPiece vocabularies grow; others know bytes or all characters.
    """
    model = json.loads(tokenizer.to_str())
    if model["model"]["type"] != "WordPiece":
        return tokenizer, 0
    vocabulary: dict[str, int] = model["model"]["vocab"]
    normalize = tokenizer.normalizer.normalize_str if tokenizer.normalizer else str
    characters = {character for text in texts for character in normalize(text) if ord(character) > 127}
    unknown = sorted(characters - vocabulary.keys())
    added = [*unknown, *("##" + character for character in unknown if not _stands_alone(tokenizer, character))]
    if not added:
        return tokenizer, 0
    for piece in added:
        vocabulary[piece] = len(vocabulary)
    return Tokenizer.from_str(json.dumps(model, ensure_ascii=False)), len(added)


def _stands_alone(tokenizer: Tokenizer, character: str) -> bool:
    """Whether the tokenizer makes every such character a word, as it does with Chinese ones."""
    text = tokenizer.normalizer.normalize_str(character * 2) if tokenizer.normalizer else character * 2
    return tokenizer.pre_tokenizer is not None and len(tokenizer.pre_tokenizer.pre_tokenize_str(text)) > 1
