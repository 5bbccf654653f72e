"""What napari calls: reader, writers, samples, and a window that opens with the dock."""
