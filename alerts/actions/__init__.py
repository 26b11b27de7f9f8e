"""A file per change we can make in AWS: plan reads, apply writes; never runs by itself, the engine decides, caps and audits."""
