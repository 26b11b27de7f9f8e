"""The demo account: an AWS endpoint on loopback with a believable fleet; never writes to the store, never imported by another room."""
