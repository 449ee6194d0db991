"""Corpora on disk -> manifests: one file for each corpus, run as `python -m data_prep.NAME [SOURCE] OUT`."""
