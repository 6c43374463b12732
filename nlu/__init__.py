"""Text in, intent and entities out. Knows nothing of dialogues, stores or channels."""
