"""Readers of answers: what a model wrote, turned into elements in the model's own coordinates. Pure functions.

A reader never raises, never evaluates, and never throws away what can be read: of a broken answer it keeps every
element whose box or text is legible, and says in `status` what had to be done. What an answer looks like belongs here;
which model answers so, and where its coordinates lie on the page, belongs to the profiles in `tasks.infer.models`.
"""
