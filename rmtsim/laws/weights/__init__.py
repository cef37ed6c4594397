"""Laws of the sample weights of every block, theory.md section 3."""
