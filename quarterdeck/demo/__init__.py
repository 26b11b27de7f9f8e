"""The demo account: an AWS endpoint on loopback with a believable fleet; it never writes to the store."""
