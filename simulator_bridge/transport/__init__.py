"""The wire below the messages: sockets, websockets, Engine.IO of every version, and who is let in."""
