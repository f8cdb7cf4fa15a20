"""The live workbench: a person drops examples and a question, and sees the answer and its reasons move.

Needs the extra `app` (FastAPI, uvicorn); nothing else in the package imports this one.
"""
