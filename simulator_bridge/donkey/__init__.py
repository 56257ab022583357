"""The Donkey simulator's protocol: JSON messages over TCP; both its ends."""
