"""Calling the user's handlers and deciding what they answered.

`around` runs wrappers around them, `call` is the one ladder from an answer to its meaning, `outcome`
says what became of a batch in terms of positions. Nothing that a handler raises leaves this room.
"""
