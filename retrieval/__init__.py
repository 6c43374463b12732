"""Documents in, an index out; a query in, passages and a grounded draft out. Knows nothing of dialogues."""
