"""Transcripts and data in, a release out. Nobody imports it but the command line."""
