"""Queries in 8 bits and in company, with the packaged encoder."""

import numpy as np

from nlu.base import DEFAULT_ENCODER, resolve_base
from retrieval.encoder import TextEncoder

TEXTS = [
    "Where is my order?",
    "refund",
    "How long does delivery to Canada take, and what does it cost?",
    "I would like to change the delivery address of an order that I placed yesterday evening, because I moved to "
    "another town and nobody will be at home to take it.",
    "hello",
    "Do you take gift cards in the stores?",
    "My chair came with a broken leg. What now?",
    "opening hours on Sundays",
]


def apart(encoder: TextEncoder) -> float:
    """The greatest cosine distance between the vector of a text alone and in the batch of all."""
    alone = np.concatenate([encoder.encode_queries([text]) for text in TEXTS])
    return float(1 - (alone * encoder.encode_queries(TEXTS)).sum(axis=1).min())


def test_company_moves_a_vector_no_more_than_rounding_does() -> None:
    folder = resolve_base(DEFAULT_ENCODER)
    full = TextEncoder.load(folder)
    assert apart(full) < 1e-5  # what indexes hold
    quick = TextEncoder.load(folder, int8=True)
    assert apart(quick) < 0.01
    assert float(1 - (quick.encode_queries(TEXTS) * full.encode_queries(TEXTS)).sum(axis=1).min()) < 0.01
