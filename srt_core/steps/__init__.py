"""The long steps, each one record that the app and the command line run."""
