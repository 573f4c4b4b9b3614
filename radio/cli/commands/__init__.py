"""The commands of `ai-radio`, one function each: command(options) -> exit code or None."""
