"""First stage: what is in the collection, what of it is new, and what each new object holds."""
