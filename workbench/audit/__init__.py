"""Plan, run, judge and record an audit."""
