"""The file formats that trainers read."""
