"""Makes the modules beside this file (fakes that several kinds of test share) importable."""
