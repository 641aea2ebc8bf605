"""Image files: their size by the header, their pixels in any depth, frames of videos."""
