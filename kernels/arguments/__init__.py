"""Checks of the arguments of operations: each refusal names the argument, what was expected, what came."""
