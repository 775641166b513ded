"""Repetition: windows of new data judged against a baseline, alerts, and the gateway that guards a stream."""
