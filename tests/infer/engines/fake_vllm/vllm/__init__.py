"""Plays vLLM in tests: see `entrypoints/openai/api_server.py`."""
