"""The benchmarks that say what a corpus was worth."""
