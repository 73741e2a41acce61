"""What is worth a word, but is no error."""


class UnseenDataWarning(UserWarning):
    """Rows have something that training never saw: a level, or a gap in a column that had none."""
