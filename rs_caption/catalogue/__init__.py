"""What there is to convert, as text from the manifests."""
