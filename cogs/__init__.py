"""The Discord side: each cog turns Discord's events into calls of the use case, and nothing else."""
