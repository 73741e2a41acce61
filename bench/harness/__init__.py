"""What every benchmark needs: one process measured, the machine described, the figures put in a table."""
