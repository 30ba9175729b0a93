"""The stage that asks a model about every page.

Two orthogonal halves: `models` says what a model is told and how its answer is read, and knows nothing of transport;
`engines` says how pages get an answer, and knows nothing of models. `infer` puts the two to work on one shard.
"""
