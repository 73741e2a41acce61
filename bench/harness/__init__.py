"""What the comparison is made of. A run of it goes: axes (what to run) → measure → results.json.gz → summary → tables and charts."""
