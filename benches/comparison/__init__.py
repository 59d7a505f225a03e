"""notmodified beside its peers: what is measured, and how. Run by `compare.py`."""
