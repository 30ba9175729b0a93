"""The stage that turns what models said into rows: elements with boxes in points, in reading order."""
