"""Proof that a device computes what it should."""

from .device import verify

__all__ = ["verify"]
