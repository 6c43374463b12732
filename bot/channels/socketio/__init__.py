"""Rasa's socket.io channel, so that widgets made for it connect as they are."""
