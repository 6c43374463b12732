"""One module per messaging platform behind one Protocol; the web widget and pages in ``web``."""
