"""``python -m furlough`` is the command too."""

from ._command import main

main()
