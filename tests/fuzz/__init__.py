"""Fuzzing of the command line: experiments, results files, kills and failing writes."""
