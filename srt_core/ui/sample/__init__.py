"""One sample's texts and numbers, as several pages show them."""
