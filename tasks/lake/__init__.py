"""The lake: its tables, its files, its catalog. Every stage writes here and reads here; this package knows no stage."""
