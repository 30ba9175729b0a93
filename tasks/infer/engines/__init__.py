"""How pages get an answer. An engine knows transport and nothing of models.

`contract.Engine` is the promise: pages in, one answer per page out, in the same order. Which engine runs a model is
decided in `tasks.infer.open_engine`; nothing is imported here, because worker processes import what lies beside.
"""
