"""The chat widget, its WebSocket and its pages."""
