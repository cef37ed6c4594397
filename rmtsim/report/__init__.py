"""What people read: findings as text, figures of results."""
