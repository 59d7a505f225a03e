"""The subcommands of `notmodified`, one module each.

A module has `add_parser(commands)`, which adds its sub-parser and sets `run`, a function that takes the
parsed arguments and returns the exit status.
"""
