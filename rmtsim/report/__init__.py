"""What people read: findings as text, figures of results."""

from .text import NO_TEST, format_comparison

__all__ = ["NO_TEST", "format_comparison"]
