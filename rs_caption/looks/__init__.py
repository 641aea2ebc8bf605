"""What an image looks like: its hash, its hashes when turned, its thumbnail."""
