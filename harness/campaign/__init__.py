"""Campaigns: many executions of many entries, spread over processes, and what they come to."""
