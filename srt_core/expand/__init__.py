"""LIFT on a project: harder samples made of others, how varied samples are, what people and judges say of them.

expanding  a teacher makes samples harder in rounds: each new pair is a sample that knows its parent
varying    the variety of samples, from their vectors
judging    judgements in four parts, by people or an endpoint, and the quality that follows
asking     one question to a teacher and its answer as JSON, or why there is none
"""
