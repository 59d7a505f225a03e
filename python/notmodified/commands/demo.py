"""`notmodified config check`."""
