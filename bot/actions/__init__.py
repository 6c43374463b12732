"""What the bot can do in a turn: built-in actions, the action-server client, knowledge and hand-off."""
