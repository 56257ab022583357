"""Below the messages: sockets, websockets, Engine.IO of every version, and access control."""
