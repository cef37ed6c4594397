"""What runs inside compiled code."""
