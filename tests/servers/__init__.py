"""The project's own fault server: what it says, how it misbehaves, what it taught, and the ledger of what it sent."""
