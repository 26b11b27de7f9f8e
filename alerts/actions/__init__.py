"""A file per change we can make in AWS: plan reads, apply writes; the runner decides, caps and audits."""
