"""The Runs screen: students that are trained, how far they are, and what they learnt."""
