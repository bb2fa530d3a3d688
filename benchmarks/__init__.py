"""Side-by-side measurements and soaks; results lie in `benchmarks/results` as JSON rows."""
