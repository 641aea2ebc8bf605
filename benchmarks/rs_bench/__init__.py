"""The benchmarks that say what a corpus was worth, next to the published figures."""
