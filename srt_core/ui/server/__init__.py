"""The app as a server: who is at the screen, logins, and the open projects."""
