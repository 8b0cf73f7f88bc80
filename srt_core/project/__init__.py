"""The project file: the store, its schema and migrations, and what any floor above needs to read it."""
