"""The page Reflect."""
