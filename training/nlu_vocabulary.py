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
    characters = {character for text in texts for character in normalize(text) if not character.isspace()}
    pieces = [piece for character in sorted(characters) for piece in (character, "##" + character)]
    added = [piece for piece in pieces if piece not in vocabulary and piece.removeprefix("##") not in vocabulary]
    if not added:
        return tokenizer, 0
    for piece in added:
        vocabulary[piece] = len(vocabulary)
    return Tokenizer.from_str(json.dumps(model, ensure_ascii=False)), len(added)
